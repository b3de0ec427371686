import os
import subprocess
import sys

import numpy as np
import pytest

from tenfold.errors import ModelError
from tenfold.reading import classifier, recognizer
from tenfold.session import open_session


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_and_its_content_say_the_same(threads):
    path = classifier.WEIGHTS
    pictures = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    answers = []
    for source in (path, path.read_bytes()):
        session = open_session(source, threads)
        options = session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
        answers.append(session.run(None, {session.get_inputs()[0].name: pictures})[0])
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("network", [classifier.DigitNetwork, recognizer.Recognizer])
def test_what_is_no_network_is_told_with_its_path(network, tmp_path):
    (tmp_path / "notes.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"notes\.onnx holds no \w+ network"):
        network(tmp_path / "notes.onnx")


def test_onnx_runtime_keeps_no_name_of_the_machine_and_tells_nobody(tmp_path):
    """Where it reports to its maker, it first writes files into the home folder and the temporary one."""
    code = "import sys, tenfold.session as s; s.open_session(open(sys.argv[1], 'rb').read())"
    homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")} | homes
    subprocess.run([sys.executable, "-c", code, classifier.WEIGHTS], check=True, env=environment)

    assert not list(tmp_path.iterdir())


KEPT = """
import ctypes, os, sys
import numpy as np
from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.recognizer import Recognizer

def resident():
    ctypes.CDLL(None).malloc_trim(0)
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def ask(size):
    if sys.argv[1] == "strings":
        reader.transcribe([np.full((40, 40 * size), 255, np.uint8)] * 8)
    else:
        reader.predict_proba(np.zeros((10 * size, 28, 28), np.uint8))

reader = Recognizer() if sys.argv[1] == "strings" else DigitNetwork()
ask(1)
before = resident()
ask(100)
print(resident() - before)
"""


@pytest.mark.parametrize("network", ["strings", "digits"])
def test_a_page_with_much_on_it_costs_the_reader_no_memory_for_good(network):
    done = subprocess.run([sys.executable, "-c", KEPT, network], capture_output=True, text=True, check=True)

    assert float(done.stdout) < 10
