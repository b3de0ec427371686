from dataclasses import replace

import pytest

from tenfold.benchmarks.circumstances import Circumstances, here, source

ONE = Circumstances(
    "a", "abc", {"cpu": "x", "cores": 2, "os": "Linux", "threads": 2}, {"python": "3.11", "torch": "2.1"}
)


@pytest.fixture
def package(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "code.py").write_text("1")
    (tmp_path / "weights").write_bytes(b"2")
    return tmp_path


def test_nothing_changes_by_itself():
    assert here().same(here())


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, source="b"),
        replace(ONE, hardware=ONE.hardware | {"cores": 4}),
        replace(ONE, hardware=ONE.hardware | {"cpu": "y"}),
        replace(ONE, versions=ONE.versions | {"torch": "2.2"}),
    ],
    ids=["source", "cores", "processor", "version"],
)
def test_what_differs_is_not_the_same(other):
    assert not ONE.same(other)
    assert not other.same(ONE)


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, commit="def"),
        replace(ONE, hardware=ONE.hardware | {"threads": 1}),
        replace(ONE, versions=ONE.versions | {"keras": "3.0"}),
    ],
    ids=["a commit of the same source", "a side of one thread", "a package that came for another side"],
)
def test_what_does_not_matter_is_the_same(other):
    assert ONE.same(other)
    assert other.same(ONE)


def test_every_file_of_the_source_counts_by_name_and_content(package):
    seen = {source(package)}
    (package / "weights").write_bytes(b"3")
    seen.add(source(package))
    (package / "weights").rename(package / "other")
    seen.add(source(package))
    (package / "part" / "new.py").write_text("")
    seen.add(source(package))

    assert len(seen) == 4


def test_what_python_compiles_is_not_the_source(package):
    before = source(package)
    (package / "part" / "__pycache__").mkdir()
    (package / "part" / "__pycache__" / "code.pyc").write_bytes(b"0")

    assert source(package) == before
