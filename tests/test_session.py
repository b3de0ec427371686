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
