"""The networks in a real browser say what Python says: Debian's Chromium, without a window."""

import numpy as np
import pytest

from tenfold.export import export, integers
from tenfold.models.model import open_model
from tenfold.reading.classifier import DigitNetwork

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

SCRIPT = """
async ({ module, images }) => {
  const { classify, logits } = await import(module);
  return images.map((values) => {
    const pixels = Uint8Array.from(values);
    return [[...logits(pixels)], [...classify(pixels).probabilities]];
  });
}
"""


@pytest.fixture
def answers(open_page):
    """Return a function that runs a module in the page and returns its logits and its probabilities."""

    def run(module, images, path=None):
        page = open_page()
        if path is not None:
            page.route(f"**/{module}", lambda asked: asked.fulfill(path=path, content_type="text/javascript"))
        pixels = images.reshape(len(images), -1).tolist()
        found = page.evaluate(SCRIPT, {"module": f"./{module}", "images": pixels})
        return (np.array(part) for part in zip(*found, strict=True))

    return run


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.test.images[:200]


def test_an_exported_network_of_float32(answers, images, tmp_path):
    model = open_model("tiny-4k")
    (path,) = export(model, "js", tmp_path / "tiny.mjs").paths

    logits, probabilities = answers("tiny.mjs", images, path)

    np.testing.assert_allclose(logits, model.logits(images, "numpy"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(probabilities, model.predict_proba(images, "numpy"), atol=1e-4)


def test_an_exported_network_of_integers_bit_for_bit(answers, images, tmp_path):
    exported = export(open_model("tiny-4k"), "js", tmp_path / "tiny.mjs", int8=True)

    logits, probabilities = answers("tiny.mjs", images, exported.paths[0])

    reference = integers.run(exported.program, images)
    assert np.unique(reference).size > 50
    np.testing.assert_array_equal(logits, reference)
    expected = integers.probabilities(exported.program.confidence, reference) / integers.FULL
    np.testing.assert_allclose(probabilities, expected, atol=2e-3)


def test_the_network_that_the_page_draws_with(answers, images):
    _, probabilities = answers("model.mjs", images)

    np.testing.assert_allclose(probabilities, DigitNetwork().predict_proba(images), atol=1e-4)
