"""Predicting: images a second, and the time of one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure, Side, Values
from tenfold.benchmarks.shipping import SHIPPED

PASSES = 5
SINGLE = 1000
LIN, TINY = "lin-enhanced-cnn", "tiny-8k"
FEW = 2000
"""Images that Lin's Enhanced CNN predicts, which is more work than any that ships."""

Predict = Callable[[Any], Any]
"""From pictures (n, 28, 28) uint8 to probabilities (n, 10)."""


def timed(
    predict: Predict, test: Any, single: int = SINGLE, passes: int = PASSES, *, accurate: bool = True
) -> Values:
    """Return how fast all test images are predicted together and one by one, and how many are right.

    Of some passes over all images the median counts, and of the single images, too.
    """
    seconds, processor = [], []
    right = (predict(test.images).argmax(axis=1) == test.labels).mean()
    for _ in range(passes):
        began = perf_counter(), process_time()
        predict(test.images)
        seconds.append(perf_counter() - began[0])
        processor.append(process_time() - began[1])
    alone = []
    for place in range(min(single, len(test))):
        picture = test.images[place : place + 1]
        began_one = perf_counter()
        predict(picture)
        alone.append(perf_counter() - began_one)
    return {
        "per_second": len(test) / median(seconds),
        "processor": 1e6 * median(processor) / len(test),
        "single": 1e6 * median(alone),
        "accuracy": float(right) if accurate else None,
    }


def pictures(count: int | None = None) -> Any:
    """Return MNIST's test images."""
    from tenfold.data import load

    test = load("mnist").test
    return test if count is None else test.take(slice(0, count))


def fast() -> Any:
    """Return our network `fast`, trained under seed 0: kept in the store, or trained now and put there.

    That takes a process of its own: our engine's thread settings are none of PyTorch's side.
    """
    from tenfold.models import Model

    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tenfold.benchmarks.inference", f"{folder}/fast"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return Model.load(f"{folder}/fast")


def main() -> None:
    """Train `fast`, or find it in the store, and save it as the command line says."""
    from tenfold.data import load
    from tenfold.models.fit import Fit, fit
    from tenfold.networks import get
    from tenfold.runs import Store
    from tenfold.training import default_recipe, get_engine

    digits = load("mnist")
    plan = Fit(get("fast"), default_recipe("fast"), digits.train, test=digits.test)
    fit(plan, engine=get_engine("torch", device="cpu"), store=Store()).model().save(sys.argv[1])


def drawn(name: str) -> Any:
    """Return a network of the zoo with its first weights."""
    from tenfold.models import Model
    from tenfold.networks import get
    from tenfold.training import INITIALIZERS, initial_weights

    architecture = get(name)
    return Model(architecture, initial_weights(architecture, INITIALIZERS["torch"], 0))


def model(name: str, smoke: bool) -> Any:
    """Return what is measured by the name: what ships, `fast`, or Lin's Enhanced CNN as drawn."""
    from tenfold.models import open_model

    if name == LIN:
        return drawn(LIN)
    if name != "fast":
        return open_model(name)
    return drawn("fast") if smoke else fast()


def ours(name: str) -> Callable[[int, bool], Values]:
    """Return a side that predicts with a model of ours."""

    def measure(repeat: int, smoke: bool) -> Values:
        chosen = model(name, smoke)
        count = None if name != LIN else FEW
        return timed(chosen.predict_proba, pictures(200 if smoke else count), accurate=name != LIN)

    return measure


def bare(repeat: int, smoke: bool) -> Values:
    """Run Lin's Enhanced CNN in ONNX Runtime as its documentation has it: one session, all its defaults."""
    import onnxruntime

    from tenfold.networks.fold import fold
    from tenfold.networks.onnx import INPUT, Graph
    from tenfold.networks.program import lower

    chosen = drawn(LIN)
    graph = Graph(fold(lower(chosen.architecture, chosen.weights)))
    content = graph.content(graph.node("Softmax", [graph.logits], axis=1))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def predict(images: Any) -> Any:
        return session.run(None, {INPUT: images})[0]

    return timed(predict, pictures(200 if smoke else FEW), accurate=False)


def torch_modules(chosen: Any) -> Any:
    """Return a model as the modules of torch that a tutorial would write, in evaluation mode."""
    import torch
    from torch import nn

    from tenfold.networks import BatchNorm, Conv, Dense, DepthwiseConv, Flatten, MaxPool, ReLU

    modules: list[Any] = []
    for node in chosen.architecture.nodes:
        layer, (channels, *_) = node.layer, node.input_shape
        if isinstance(layer, DepthwiseConv):
            layer = layer.as_conv(channels)
        if isinstance(layer, Conv):
            sizes = (channels, layer.channels, layer.kernel, layer.stride, layer.pad)
            modules.append(nn.Conv2d(*sizes, groups=layer.groups, bias=layer.bias))
        elif isinstance(layer, BatchNorm):
            modules.append(nn.BatchNorm2d(channels, eps=layer.epsilon))
        elif isinstance(layer, MaxPool):
            modules.append(nn.MaxPool2d(layer.size, layer.step))
        elif isinstance(layer, Dense):
            modules.append(nn.Linear(channels, layer.units, bias=layer.bias))
        else:
            modules.append({ReLU: nn.ReLU, Flatten: nn.Flatten}[type(layer)]())
        names = {"mean": "running_mean", "variance": "running_var"}
        arrays = {
            names.get(part, part): torch.from_numpy(chosen.weights[f"{node.name}.{part}"])
            for part in ("weight", "bias", "mean", "variance")
            if f"{node.name}.{part}" in chosen.weights
        }
        modules[-1].load_state_dict(arrays, strict=False)
    return nn.Sequential(*modules).eval()


def plain_torch(name: str) -> Callable[[int, bool], Values]:
    """Return a side that runs a model of ours in plain PyTorch.

    A thousand images at a time, which is as fast as any on this machine.
    """

    def measure(repeat: int, smoke: bool) -> Values:
        import numpy as np
        import torch

        chosen = model(name, smoke)
        modules = torch_modules(chosen)
        mean, std = chosen.architecture.mean, chosen.architecture.std

        def predict(images: Any) -> Any:
            found = []
            with torch.inference_mode():
                for start in range(0, len(images), 1000):
                    x = torch.from_numpy(images[start : start + 1000]).float().div_(255).sub_(mean).div_(std)
                    found.append(torch.softmax(modules(x[:, None]), 1).numpy())
            return np.concatenate(found)

        return timed(predict, pictures(200 if smoke else None))

    return measure


def mlp(repeat: int, smoke: bool) -> Values:
    """Run scikit-learn's MLPClassifier of default size."""
    from sklearn.neural_network import MLPClassifier

    from tenfold.data import load

    train = load("mnist").train.take(slice(0, 600 if smoke else None))
    # Five passes: its speed does not depend on how well it has learned, nor does it learn much after them.
    classifier = MLPClassifier(max_iter=2 if smoke else 5, random_state=0)
    classifier.fit(train.images.reshape(len(train), -1) / 255, train.labels)
    return timed(
        lambda images: classifier.predict_proba(images.reshape(len(images), -1) / 255),
        pictures(200 if smoke else None),
    )


def neighbors(repeat: int, smoke: bool) -> Values:
    """Run scikit-learn's k-NN on all training images, on every core."""
    from sklearn.neighbors import KNeighborsClassifier

    from tenfold.data import load

    train = load("mnist").train.take(slice(0, 600 if smoke else None))
    classifier = KNeighborsClassifier(3, n_jobs=-1)
    classifier.fit(train.images.reshape(len(train), -1) / 255, train.labels)
    return timed(
        lambda images: classifier.predict_proba(images.reshape(len(images), -1) / 255),
        pictures(200 if smoke else 1000),
        single=20,
        passes=1,
    )


TORCH, TORCH_TINY, RUNTIME = "PyTorch, fast", f"PyTorch, {TINY}", f"ONNX Runtime, {LIN}"


def _shipped(name: str) -> Side:
    """Return the side of a network that ships.

    Its accuracy is that of its recipe over the seeds, unless it is several networks side by side.
    """
    recipe, seeds = SHIPPED.get(name, (name, ()))
    reference = TORCH_TINY if name == TINY else ""
    return Side(
        f"Tenfold, {name}", ours(name), recipe=recipe if len(seeds) == 1 else None, reference=reference
    )


def _sides() -> tuple[Side, ...]:
    from tenfold.models import pretrained_names

    return (
        *(_shipped(name) for name in pretrained_names()),
        Side(TORCH_TINY, plain_torch(TINY), ("torch",), reference=""),
        Side("Tenfold: fast, trained for this", ours("fast"), ("torch",), recipe="fast"),
        Side(TORCH, plain_torch("fast"), ("torch",)),
        Side(f"Tenfold: {LIN}, as drawn", ours(LIN), reference=RUNTIME),
        Side(RUNTIME, bare, reference=""),
        Side("scikit-learn, MLPClassifier", mlp, ("sklearn",), reference=""),
        Side("scikit-learn, k-NN", neighbors, ("sklearn",), reference=""),
    )


BENCHMARK = Benchmark(
    "inference",
    "Predicting",
    "MNIST's 10,000 test images, uint8 in memory, to probabilities, in Python, two threads or as many as "
    f"there are cores. *Together*: the median of {PASSES} passes over all (Lin's network: over {FEW:,}, "
    "k-NN: one pass over 1,000), and the median processor time an image. *One image*: the median of "
    f"{SINGLE:,} calls (k-NN: 20). Ours is `Model.predict_proba`, of what ships, and of `fast`, trained "
    f"once, under seed 0. PyTorch runs the same `fast` and `{TINY}` as modules in evaluation mode, batches "
    "of 1,000. ONNX Runtime runs Lin's Enhanced CNN (18.7 million multiply-adds) with its defaults, and we "
    "the same network, the weights as drawn. *Times* is told between sides that run one network with the "
    "same weights, and nowhere else. MLPClassifier has its default 100 units and five passes of training; "
    "k-NN has k = 3 and 60,000 images. Libraries are imported, models loaded and warm. *Accuracy* is that "
    "of the model that was timed. The goal wants the mean over the seeds of its recipe, as recipes.json "
    "beside this page has it (where it has none, the accuracy of the model that was timed), and one network "
    "that keeps both limits.",
    _sides(),
    (
        Measure("per_second", "together", "images/s", 0, better="more"),
        Measure("processor", "processor, an image", "µs", 1, better="less"),
        Measure("single", "one image", "µs", 0, better="less"),
        Measure("accuracy", "accuracy", "%", 2, percent=True),
    ),
    reference=TORCH,
    goals=(
        Goal(
            "a network that ships, at least 99.5% right in the mean over its seeds, classifies at least "
            "100,000 images a second, and answers one image within 100 µs",
            "Tenfold, *",
            "per_second",
            100_000,
            accuracy=0.995,
            also=(("single", 100),),
        ),
    ),
)


if __name__ == "__main__":
    main()
