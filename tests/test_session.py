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
