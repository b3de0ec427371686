import json
import subprocess

import numpy as np
import pytest

from tenfold import Model
from tenfold.export import export, integers
from tenfold.networks import NETWORKS

pytestmark = pytest.mark.needs("node")

SCRIPT = """
import { readFileSync } from "node:fs";
const { classify, logits } = await import(process.argv[1]);
const bytes = new Uint8Array(readFileSync(0)), size = Number(process.argv[2]), answers = [];
for (let at = 0; at < bytes.length; at += size) {
  const pixels = bytes.subarray(at, at + size);
  const { label, confidence, probabilities } = classify(pixels);
  answers.push([label, confidence, [...logits(pixels)], [...probabilities]]);
}
console.log(JSON.stringify(answers));
"""


def node(script, *arguments, given=b""):
    command = ["node", "--input-type=module", "--eval", script, "--", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def answers(path, images):
    found = json.loads(node(SCRIPT, path.resolve().as_uri(), images[0].size, given=images.tobytes()))
    return (np.array(part) for part in zip(*found, strict=True))


def check(model, exported, images):
    labels, confidence, logits, probabilities = answers(exported.paths[0], images)
    if exported.int8:
        reference = integers.run(exported.program, images)
        np.testing.assert_array_equal(logits, reference)
        expected = integers.probabilities(exported.program.confidence, reference) / integers.FULL
        np.testing.assert_allclose(probabilities, expected, atol=2e-3)
    else:
        np.testing.assert_allclose(logits, model.logits(images, "numpy"), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(probabilities, model.predict_proba(images, "numpy"), atol=1e-4)
    np.testing.assert_array_equal(labels, logits.argmax(axis=1))
    np.testing.assert_array_equal(confidence, probabilities.max(axis=1))


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_a_module_says_the_same_int8_bit_for_bit(small, pictures, tmp_path, int8):
    calibration = pictures(small.architecture, 200, seed=1) if int8 else None
    exported = export(small, "js", tmp_path, int8=int8, calibration=calibration)

    check(small, exported, pictures(small.architecture, 200))


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_digits(fast, mnist, pictures, tmp_path, int8):
    exported = export(fast, "js", tmp_path, int8=int8)

    check(fast, exported, np.concatenate([mnist.test.images[:50], pictures(fast.architecture, 50)]))
    assert exported.size < (60_000 if int8 else 180_000)


def test_a_module_stands_alone_and_tells_what_it_is(of, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    classes = ("</script>", "\u2028", *"23456789")
    odd = Model(model.architecture.named("a\nb"), model.weights, classes, 1.5, {"recipe": {"epochs": 2}})
    path = export(odd, "js", tmp_path / "odd.mjs").paths[0]
    text = path.read_text()

    assert "import " not in text
    assert "</script>" not in text
    script = (
        "const m = await import(process.argv[1]);"
        "console.log(JSON.stringify([m.classes, m.metadata, m.classify(new Uint8Array(784)).name]));"
    )
    found, stated, name = json.loads(node(script, path.as_uri()))
    assert tuple(found) == classes
    assert name in classes
    assert (stated["network"], stated["temperature"], stated["recipe"]) == ("a\nb", "1.5", '{"epochs": 2}')


@pytest.mark.parametrize("given", ["new Uint8Array(783)", "new Array(784).fill(0)", "undefined"])
def test_what_is_no_picture_is_refused(of, tmp_path, given):
    path = export(of(NETWORKS["shrestha-1"]), "js", tmp_path).paths[0]
    script = (
        "const m = await import(process.argv[1]);"
        f"try {{ m.classify({given}); }} catch (error) {{ console.log(String(error)); }}"
    )

    assert node(script, path.as_uri()).decode() == "RangeError: Expected a Uint8Array of 784 pixels.\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_zoo(of, mnist, tmp_path, name):
    model = of(NETWORKS[name], temperature=1.0)
    check(model, export(model, "js", tmp_path / "f"), mnist.test.images[:5])
    exported = export(model, "js", tmp_path / "q", int8=True, calibration=mnist.train.images[:100])
    check(model, exported, mnist.test.images[:5])
