import json
import subprocess

import numpy as np
import pytest

from tenfold import Model, network
from tenfold.errors import ExportError
from tenfold.networks import NETWORKS, Dense
from tenfold.serving.folder import export_page
from tenfold.training import INITIALIZERS, initial_weights


def random_model(architecture, classes=tuple("0123456789")):
    return Model(architecture, initial_weights(architecture, INITIALIZERS["torch"], 0), classes)


@pytest.fixture(scope="module")
def model():
    return random_model(NETWORKS["fast"])


def test_the_page_is_a_folder_that_needs_nothing_else(model, tmp_path):
    written = export_page(model, tmp_path / "page")

    names = {path.name for path in (tmp_path / "page").iterdir()}
    assert {"index.html", "style.css", "app.mjs", "settings.mjs", "model.mjs", "icon.svg"} <= names
    assert {path.name for path in written.paths} == names
    assert written.size == sum(path.stat().st_size for path in written.paths)
    assert (tmp_path / "page" / "settings.mjs").read_text() == "export const service = null;\n"
    for path in written.paths:
        if path.suffix in (".html", ".css") or (path.suffix == ".mjs" and path.name != "model.mjs"):
            assert "://" not in path.read_text(), path


def test_every_module_that_one_asks_for_is_there(model, tmp_path):
    import re

    export_page(model, tmp_path)
    for path in tmp_path.glob("*.mjs"):
        for name in re.findall(r'from "\./([\w.]+)"|import\("\./([\w.]+)"\)', path.read_text()):
            assert (tmp_path / "".join(name)).is_file(), (path, name)


def test_its_network_says_what_the_model_says(model, tmp_path):
    export_page(model, tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (3, 784), dtype=np.uint8)
    script = (
        "const m = await import(process.argv[1]);"
        "const given = JSON.parse(process.argv[2]).map((one) => Uint8Array.from(one));"
        "console.log(JSON.stringify(given.map((one) => [...m.classify(one).probabilities])));"
    )
    command = ["node", "--input-type=module", "--eval", script, "--"]
    command += [(tmp_path / "model.mjs").as_uri(), json.dumps(images.tolist())]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    np.testing.assert_allclose(found, model.predict_proba(images.reshape(-1, 28, 28), "numpy"), atol=1e-4)


def test_it_may_be_written_again_but_over_nothing_else(model, tmp_path):
    export_page(model, tmp_path / "page")
    export_page(model, tmp_path / "page")
    (tmp_path / "page" / "thesis.txt").write_text("mine")

    with pytest.raises(ExportError, match="something else"):
        export_page(model, tmp_path / "page")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="something else"):
        export_page(model, tmp_path / "file")


def test_a_network_of_other_pictures_is_refused(tmp_path):
    with pytest.raises(ExportError, match="28x28"):
        export_page(random_model(network(20)(Dense(10))), tmp_path / "page")
    assert not (tmp_path / "page").exists()
