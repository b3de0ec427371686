"""The networks that ship say the same in the reader, the service and the page."""

import json
import subprocess

import numpy as np
import onnx

from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.networks import WEIGHTS
from tenfold.serving.model import open_classifier

SCRIPT = """
import { readFileSync } from "node:fs";
const { classify, classes } = await import(process.argv[1]);
const bytes = new Uint8Array(readFileSync(0)), answers = [];
for (let at = 0; at < bytes.length; at += 784) {
  answers.push([...classify(bytes.subarray(at, at + 784)).probabilities]);
}
console.log(JSON.stringify({ classes, answers }));
"""


def test_the_page_has_the_readers_network(mnist):
    rng = np.random.default_rng(0)
    images = np.concatenate([mnist.test.images[:60], rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)])
    command = ["node", "--input-type=module", "--eval", SCRIPT, "--", (WEIGHTS / "digits.mjs").as_uri()]
    done = subprocess.run(command, input=images.tobytes(), capture_output=True, check=True)
    page = json.loads(done.stdout)

    served = open_classifier(None)

    np.testing.assert_allclose(page["answers"], DigitNetwork().predict_proba(images), atol=1e-4)
    np.testing.assert_allclose(served.predict(images), DigitNetwork().predict_proba(images), atol=1e-6)
    assert tuple(page["classes"]) == served.classes == (*"0123456789", "not a digit")
    assert served.module == (WEIGHTS / "digits.mjs").read_bytes()


def test_the_digit_network_says_how_many_weights_its_files_hold():
    graph = onnx.load(WEIGHTS / "digits.onnx").graph
    # Kernels, matrices and biases; the lone numbers and shapes beside them were not learned as such.
    held = [each for each in graph.initializer if each.name.startswith(("weight", "bias"))]
    count = str(sum(int(np.prod(each.dims)) for each in held))

    head = (WEIGHTS / "digits.mjs").read_text().split("Object.freeze(", 1)[1]
    page, _ = json.JSONDecoder().raw_decode(head)

    for stated in (DigitNetwork().stated, page):
        assert (stated["parameters"], stated["parameters_counted"]) == (count, "folded")
