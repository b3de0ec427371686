"""The five studies hold what their papers print; `papers/` was transcribed apart from the studies."""

import json
from pathlib import Path

import pytest

from tenfold.cli import main

PAPERS = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "papers").iterdir()
}


@pytest.fixture
def told(capsys):
    """Return a function that runs ``tenfold study ... --json`` and gives what it prints."""

    def tell(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["study", *arguments, "--json"])
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    return tell


def test_five_studies_are_listed_with_what_they_hold(told):
    rows = {row["key"]: row for row in told("list")}
    assert rows.keys() == PAPERS.keys()
    for key, paper in PAPERS.items():
        assert (rows[key]["title"], rows[key]["authors"]) == (paper["title"], paper["authors"])
        assert rows[key]["claims"] == len(paper["claims"])
        assert rows[key]["experiments"] > 0


@pytest.mark.parametrize("key", PAPERS)
def test_what_a_paper_reported_is_what_its_study_holds(told, key):
    study = told("show", key)
    assert study["reported"] == PAPERS[key]["reported"]
    assert list(study["claims"]) == PAPERS[key]["claims"]
    assert study["deviations"]
    assert study["assumptions"]
