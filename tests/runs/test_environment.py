import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tenfold.runs
from tenfold.runs import commit, hardware, versions

SOURCE = Path(tenfold.runs.__file__).parents[2]


def test_versions_are_those_of_the_packages():
    found = versions()
    assert found["numpy"] == np.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr("tenfold.runs.environment._PACKAGES", ("numpy", "no-such-package"))
    assert set(versions()) == {"python", "numpy"}


def test_the_environment_is_told_without_importing_torch():
    script = (
        "import json, sys\nfrom tenfold.runs import commit, hardware, versions\n"
        "told = [versions(), hardware(), commit()]\n"
        "assert not {'torch', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "print(json.dumps(told[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
    )
    told = json.loads(done.stdout)
    assert told["threads"] == 1
    assert told["gpu"] is None


def test_the_hardware_is_that_of_this_machine():
    told = hardware()
    assert set(told) == {"cpu", "cores", "threads", "ram_gib", "gpu", "os"}
    assert 1 <= told["cores"] <= os.cpu_count()
    assert told["cpu"]
    assert told["ram_gib"] == pytest.approx(
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, abs=0.06
    )


class FakeTorch:
    """What torch tells of a machine with a GPU."""

    class cuda:
        is_available = staticmethod(lambda: True)
        get_device_name = staticmethod(lambda: "NVIDIA H200")

    get_num_threads = staticmethod(lambda: 7)


def test_threads_and_gpu_are_those_of_torch_where_it_is_in_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", FakeTorch)
    assert hardware()["threads"] == 7
    assert hardware()["gpu"] == "NVIDIA H200"


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def source(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    source = tmp_path / "src"
    source.mkdir()
    (source / "code.py").write_text("one = 1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return source


def test_the_commit_is_that_of_the_source(source):
    assert commit(source) == git(source, "rev-parse", "HEAD")


def test_changes_of_the_source_are_told(source):
    head = git(source, "rev-parse", "HEAD")
    (source / "new.py").write_text("two = 2\n")
    assert commit(source) == head + "+changes"
    (source / "new.py").unlink()
    (source / "code.py").write_text("one = 2\n")
    assert commit(source) == head + "+changes"


def test_changes_elsewhere_are_none_of_the_source(source):
    (source.parent / "notes.txt").write_text("later\n")
    assert commit(source) == git(source, "rev-parse", "HEAD")


def test_a_package_installed_inside_a_repository_has_no_commit(source):
    installed = source.parent / "site-packages" / "tenfold"
    installed.mkdir(parents=True)
    (installed / "code.py").write_text("one = 1\n")
    assert commit(installed) is None


def test_a_folder_outside_any_repository_has_no_commit(tmp_path):
    assert commit(tmp_path) is None


def test_without_git_there_is_no_commit(source, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit(source) is None


def test_the_variables_of_a_git_hook_do_not_mislead(source, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(source / "nowhere"))
    expected = commit(source)
    monkeypatch.delenv("GIT_DIR")
    assert expected == git(source, "rev-parse", "HEAD")
