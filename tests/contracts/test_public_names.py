"""What the package promises to offer, and at what cost."""

import ast
import importlib
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import tenfold
import tenfold.models

PACKAGES = [
    "tenfold",
    "tenfold.data",
    "tenfold.evaluation",
    "tenfold.export",
    "tenfold.models",
    "tenfold.networks",
    "tenfold.training",
]
LAZY = [tenfold, tenfold.models]
HEAVY = ["torch", "sklearn", "scipy", "matplotlib", "keras", "pandas", "jinja2"]


def order(name):
    """CONSTANTS, then Classes, then functions, each in alphabetical order."""
    return (not name.isupper(), not name[0].isupper(), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_there_sorted_and_documented(package):
    module = importlib.import_module(package)
    assert inspect.getdoc(module)
    assert module.__all__ == sorted(module.__all__, key=order)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{package}.{name} has no docstring"
            assert value.__module__.startswith("tenfold."), f"{package}.{name} is somebody else's"


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
def test_what_type_checkers_see_is_what_is_loaded(module):
    """The imports under TYPE_CHECKING, the table of homes and __all__ say the same."""
    tree = ast.parse(Path(module.__file__).read_text())
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == module._HOMES
    assert set(module.__all__) - {"__version__"} == set(module._HOMES)


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
def test_names_are_listed_before_they_are_loaded(module):
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
def test_a_name_that_is_not_there_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match="'Perceptron'"):
        module.Perceptron  # noqa: B018  # looking it up is what is tested


def test_the_version_is_the_installed_one():
    assert tenfold.__version__ == version("tenfold")


def loaded_after(code):
    """Run `code` in a fresh Python; return which of the heavy modules it loaded."""
    code += f"\nimport sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import tenfold; dir(tenfold); tenfold.__version__",
        "from tenfold import load, network, Recipe, Store, evaluate, train, Augmentation",
        "import tenfold.data, tenfold.networks, tenfold.training, tenfold.evaluation, tenfold.runs",
        "from tenfold import Model; from tenfold.models import describe, open_model",
    ],
)
def test_nothing_heavy_is_imported_unless_it_is_used(code):
    assert loaded_after(code) == []


def test_predicting_with_a_saved_model_needs_numpy_alone(tmp_path):
    from tenfold.networks import NETWORKS
    from tenfold.training import INITIALIZERS, initial_weights

    weights = initial_weights(NETWORKS["fast"], INITIALIZERS["torch"], 0)
    tenfold.Model(NETWORKS["fast"], weights).save(tmp_path / "model")
    code = (
        "import numpy, tenfold\n"
        f"model = tenfold.Model.load({str(tmp_path / 'model')!r})\n"
        "model.predict(numpy.zeros((100, 28, 28), numpy.uint8))"
    )
    assert loaded_after(code) == []


def test_without_scikit_learn_the_estimator_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from tenfold import Model\n"
        "try: from tenfold import DigitClassifier\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingExtraError DigitClassifier needs sklearn")
    assert "pip install 'tenfold[train]'" in done.stdout
