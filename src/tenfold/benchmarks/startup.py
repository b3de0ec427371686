"""From the shell to an answer: how long a program takes to start and read, and how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Measure, Side, Values
from tenfold.errors import BenchmarkError

_TORCH = """
import sys
import numpy as np, torch
from PIL import Image
from torch import nn
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
    nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
)
if len(sys.argv) == 2:
    torch.save(model.state_dict(), sys.argv[1])
else:
    model.load_state_dict(torch.load(sys.argv[1], weights_only=True))
    model.eval()
    image = torch.from_numpy(np.asarray(Image.open(sys.argv[2])).copy()).float() / 255
    with torch.inference_mode():
        print(int(model(image[None, None]).argmax()))
"""

_KERAS = """
import sys
import keras, numpy as np
from PIL import Image
layers = keras.layers
if len(sys.argv) == 2:
    keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ]).save(sys.argv[1])
else:
    image = np.asarray(Image.open(sys.argv[2]), "float32")[None, :, :, None] / 255
    print(int(np.argmax(keras.saving.load_model(sys.argv[1])(image).detach())))
"""

_SKLEARN = """
import sys
import joblib, numpy as np
from PIL import Image
if len(sys.argv) == 2:
    from sklearn.neural_network import MLPClassifier
    rng = np.random.default_rng(0)
    joblib.dump(MLPClassifier(max_iter=1).fit(rng.random((500, 784)), np.arange(500) % 10), sys.argv[1])
else:
    print(joblib.load(sys.argv[1]).predict(np.asarray(Image.open(sys.argv[2])).reshape(1, -1) / 255)[0])
"""

_OURS = """
import sys
import numpy as np
from PIL import Image
from tenfold import open_model
print(open_model(sys.argv[1]).predict(np.asarray(Image.open(sys.argv[2]))[None])[0])
"""


_WATCH = """
import json, os, sys, time
began = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - began
found = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}
print(json.dumps([os.waitstatus_to_exitcode(status), found]))
"""
"""Runs a program and tells what it took, memory in MiB: a process as small as can be, since Linux counts the
memory of what starts a program for the program too."""


def timed(command: Sequence[str]) -> Values:
    """Run a command to its end; return its seconds and the most memory it held.

    Raises
    ------
    BenchmarkError
        It failed.
    """
    watch = [sys.executable, "-S", "-E", "-c", _WATCH, *command]
    done = subprocess.run(watch, capture_output=True, text=True, check=True)
    code, found = json.loads(done.stdout)
    if code:
        raise BenchmarkError(f"{' '.join(command)[:60]} ended with {code}: {done.stderr.strip()[-300:]}")
    values: dict[str, float] = found
    return values


def warmed(command: Sequence[str]) -> Values:
    """Run a command twice; return what the second run took, which finds its files read."""
    timed(command)
    return timed(command)


_UNSEEN = """
import atexit, os, sys
def tell():
    if "torch" in sys.modules:
        print("torch was imported, without which this is meant to start", file=sys.stderr, flush=True)
        os._exit(1)
atexit.register(tell)
"""
"""Before a program: has it fail at its end if it imported torch."""


def without_torch(program: str, *arguments: str) -> Values:
    """Run a Python program of ours twice; return what the second run took.

    Raises
    ------
    BenchmarkError
        The first run failed, or imported torch.
    """
    timed([sys.executable, "-c", _UNSEEN + program, *arguments])
    return timed([sys.executable, "-c", program, *arguments])


def command(*words: str) -> Callable[[int, bool], Values]:
    """Return a side that runs ``tenfold`` with these words; PAGE stands for a picture of digits."""

    def measure(repeat: int, smoke: bool) -> Values:
        with TemporaryDirectory() as folder:
            page = _page(Path(folder))
            given = [str(page) if word == "PAGE" else word for word in words]
            return without_torch("from tenfold.cli import main; main()", *given)

    return measure


def ours(repeat: int, smoke: bool) -> Values:
    """Open a model folder and tell one digit."""
    from tenfold.models import Model
    from tenfold.networks import get
    from tenfold.training import INITIALIZERS, initial_weights

    with TemporaryDirectory() as folder:
        network = get("fast")
        saved = Model(network, initial_weights(network, INITIALIZERS["torch"], 0)).save(
            Path(folder) / "model"
        )
        return without_torch(_OURS, str(saved), str(_digit(Path(folder))))


def script(text: str, suffix: str) -> Callable[[int, bool], Values]:
    """Return a side that runs a script: to save a model, then to tell a digit by it, which counts."""

    def measure(repeat: int, smoke: bool) -> Values:
        with TemporaryDirectory() as folder:
            saved = str(Path(folder) / f"model{suffix}")
            subprocess.run([sys.executable, "-c", text, saved], check=True, capture_output=True)
            return warmed([sys.executable, "-c", text, saved, str(_digit(Path(folder)))])

    return measure


def _digit(folder: Path) -> Path:
    """Return the file of one test digit."""
    from PIL import Image

    from tenfold.data import load

    Image.fromarray(load("mnist").test.images[0]).save(folder / "digit.png")
    return folder / "digit.png"


def _page(folder: Path) -> Path:
    """Return the file of a made page: four lines of test digits on ruled paper."""
    import numpy as np
    from PIL import Image

    from tenfold.data import load
    from tenfold.data.composites.pages import Look, make_page

    look = Look((620, 820), lines=4, height=44, digits=(5, 9), ground="ruled", light="gradient", skew=2.0)
    made: Any = make_page(load("mnist").test, np.random.default_rng(0), look)
    Image.fromarray(made.pixels).save(folder / "page.png")
    return folder / "page.png"


TORCH = "PyTorch: load a model, one digit"

BENCHMARK = Benchmark(
    "startup",
    "Starting, without torch",
    "A new Python process from its start to its end: seconds by the wall, processor time, and the most "
    "memory it held. Every side runs once uncounted, so that the files it needs are read, and in that run "
    "each of ours fails if it has imported torch. `tenfold read` reads a made page (620x820, four lines of "
    "5 to 9 test digits on ruled paper) with both networks that ship. The others load a model of theirs "
    "from a file and tell one digit: ours `fast`, PyTorch's the network of its example, Keras' the simple "
    "convnet of its documentation, scikit-learn's an MLPClassifier; weights as drawn.",
    (
        Side("tenfold --help", command("--help")),
        Side("tenfold read, a page", command("read", "PAGE")),
        Side("Tenfold: open_model, one digit", ours),
        Side(TORCH, script(_TORCH, ".pt"), ("torch",)),
        Side("Keras 3 on torch: the same", script(_KERAS, ".keras"), ("keras", "torch")),
        Side("scikit-learn: the same", script(_SKLEARN, ".joblib"), ("sklearn",)),
    ),
    (
        Measure("seconds", "from start to end", "s", 2, better="less"),
        Measure("cpu_seconds", "processor", "s", 2, better="less"),
        Measure("memory", "memory at most", "MiB", 0, better="less"),
    ),
    reference=TORCH,
    repeats=5,
)
