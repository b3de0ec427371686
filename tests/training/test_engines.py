import importlib.util
import subprocess
import sys

import pytest

from tenfold.errors import MissingExtraError, UnknownNameError
from tenfold.training import engines
from tenfold.training.engines import ENGINES, get_engine


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_an_engine_bears_the_name_it_is_asked_for(name):
    engine = get_engine(name)
    assert engine.name == name
    assert engine.settings()["name"] == name


def test_settings_reach_the_engine():
    assert get_engine("torch", device="cpu").settings()["device"] == "cpu"


def test_auto_is_torch_where_it_is_installed_and_numpy_elsewhere(monkeypatch):
    assert get_engine().name == "torch"
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert get_engine("auto").name == "numpy"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no engine named 'pytorch'\. Did you mean 'torch'"):
        get_engine("pytorch")
    assert sorted(ENGINES) == ["auto", "numpy", "torch"]


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(
        "tenfold.errors.importlib.import_module",
        lambda name: (_ for _ in ()).throw(ModuleNotFoundError(name=name)),
    )
    with pytest.raises(MissingExtraError, match=r"The torch engine needs torch.*tenfold\[train\]"):
        get_engine("torch")


def test_training_and_the_numpy_engine_import_nothing_heavy():
    assert importlib.util.find_spec("torch")
    code = (
        "import sys, tenfold.training; tenfold.training.get_engine('numpy'); "
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
