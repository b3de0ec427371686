import html.parser
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tenfold.cli.study import StudyEngineName, engine_for
from tenfold.runs import Store
from tenfold.studies import STUDIES, get_study

RUN = (
    "study",
    "run",
    "lin",
    "--scale",
    "smoke",
    "--only",
    "Simple NN",
    "--engine",
    "numpy",
    "--workers",
    "1",
)


def test_every_study_is_listed(cli):
    found = json.loads(cli("study", "list", "--json").out)

    assert [row["key"] for row in found] == list(STUDIES)
    for row in found:
        study = get_study(row["key"])
        assert row["claims"] == len(study.claims)
        assert row["experiments"] == len(study.experiments)
        assert row["authors"] == list(study.authors)
    assert [line.split()[0] for line in cli("study", "list").out.splitlines()[2:]] == list(STUDIES)


def test_a_study_is_shown_whole(cli):
    found = json.loads(cli("study", "show", "lin", "--json").out)
    text = cli("study", "show", "lin").out

    assert found == json.loads(json.dumps(get_study("lin").to_dict()))
    for key, claim in found["claims"].items():
        assert f"  {key}  {claim}" in text
    for experiment in found["experiments"]:
        assert f"  {experiment['name']}: " in text


def test_a_study_that_divides_its_data_itself_is_shown_so(cli):
    text = " ".join(cli("study", "show", "shrestha").out.split())
    values = json.loads(cli("study", "show", "shrestha", "--json").out)

    assert (
        "42,000 images shuffled, seed 0: 2,100 for test, 2,100 for validation, the rest for training" in text
    )
    assert "data mnist, or Kaggle's digit-recognizer train.csv" in text
    assert values["split"] == {"drawn": 42_000, "test": 2_100, "validation": 2_100}
    assert json.loads(cli("study", "show", "lin", "--json").out)["split"] is None


@pytest.mark.parametrize("key", STUDIES)
def test_a_study_is_told_in_whole_sentences(cli, key):
    text = " ".join(cli("study", "show", key).out.split())

    assert ".. " not in text.replace("... ", "")
    assert not re.search(r"\b1 seeds", text)


def test_a_study_is_run_once_judged_and_reported(cli, tmp_path):
    first = cli(*RUN)

    assert first.code == 0, first.err
    assert re.search(r"study lin: 4 of 4 trainings$", first.err, re.MULTILINE)
    assert first.out.startswith("lin, smoke scale: shortened runs, not the published recipe; 4 trainings\n")
    outcomes = re.findall(r"^  ([✓✗?]) (li-\d+)  (holds|does not hold|undecided): ", first.out, re.MULTILINE)
    assert [key for _, key, _ in outcomes] == [claim.key for claim in get_study("lin").claims]
    assert "\x1b" not in first.out + first.err

    again = json.loads(cli(*RUN, "--json", "--quiet").out)
    assert again[0]["trainings"] == 4
    assert {each["outcome"] for each in again[0]["verdicts"]} <= {"holds", "does not hold", "undecided"}
    assert len(Store().list(study="lin", scale="smoke")) == 4

    report = cli("study", "report", "lin", "--scale", "smoke", "--format", "both", "--out", "report")
    assert report.code == 0, report.err
    page = (tmp_path / "report" / "index.html").read_text()
    html.parser.HTMLParser().feed(page)
    assert "li-1" in page
    assert "li-1" in (tmp_path / "report" / "README.md").read_text()


def test_more_seeds_are_trained_where_they_are_asked_for(cli):
    assert cli(*RUN, "--seeds", "1", "--quiet").code == 0
    assert {run.seed for run in Store().list()} == {0}

    report = cli("study", "report", "lin")
    assert report.code == 1
    assert "there are runs at smoke scale: add --scale smoke" in report.err
    assert "--scale paper" not in report.err


def test_a_report_needs_something_that_was_run(cli, tmp_path):
    answer = cli("study", "report", "lin", "--out", "report")

    assert answer.code == 1
    assert "tenfold study run lin --scale paper" in answer.err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "lim"], "There is no study named 'lim'. Did you mean 'lin'?"),
        (["run", "lin", "lim"], "There is no study named 'lim'"),
        (["show", "lim"], "There is no study named 'lim'"),
        (["report", "lim"], "There is no study named 'lim'"),
        (["run", "lin", "--only", "Simple CN"], "Did you mean 'Simple CNN'?"),
    ],
)
def test_a_name_that_is_none_is_told_before_anything_is_trained(cli, arguments, message):
    answer = cli("study", *arguments)

    assert answer.code == 1
    assert message in answer.err
    assert Store().list() == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lin"], "lin has nothing to run with skorch. Leave --engine skorch out."),
        (
            ["okon", "--only", "Section V"],
            "okon has nothing of Section V to run with skorch. Leave --engine skorch out; what uses "
            "skorch is Grid search with skorch.",
        ),
    ],
)
def test_an_engine_that_nothing_uses_is_told_before_anything_is_trained(cli, arguments, message):
    answer = cli("study", "run", *arguments, "--scale", "smoke", "--engine", "skorch")

    assert answer.code == 1
    assert message in " ".join(answer.err.split())
    assert "trainings to do" not in answer.err
    assert Store().list() == ()


def test_of_all_studies_those_alone_use_skorch_that_can():
    engines = {key: engine_for(get_study(key), StudyEngineName.skorch, every=True) for key in STUDIES}

    assert {key for key, engine in engines.items() if engine == "skorch"} == {"okon"}
    assert engine_for(get_study("lin"), StudyEngineName.skorch, every=False) == "skorch"


@pytest.mark.parametrize(
    "arguments",
    [["lin", "--scale", "huge"], ["lin", "--seeds", "0"], ["lin", "abdelsalam", "--only", "Simple NN"]],
)
def test_wrong_usage(cli, arguments):
    assert cli("study", "run", *arguments).code == 2


EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "study.py"


def test_a_study_of_ones_own_is_shown_and_run_by_its_path_with_the_time_told_before(cli):
    shown = cli("study", "show", EXAMPLE)
    assert shown.code == 0
    assert "my-1" in shown.out
    run = cli("study", "run", EXAMPLE, "--scale", "smoke", "--workers", "1")
    assert run.code == 0
    assert "my-study: 4 trainings to do, about " in run.err
    assert "my-study, smoke scale" in run.out
    again = cli("study", "run", EXAMPLE, "--scale", "smoke")
    assert "trainings to do" not in again.err
    report = cli("study", "report", EXAMPLE, "--scale", "smoke", "--out", "out")
    assert report.code == 0
    assert Path("out/index.html").exists()


def test_all_studies_or_some_but_not_both(cli):
    for arguments in ((), ("lin", "--all")):
        answer = cli("study", "run", *arguments)
        assert answer.code == 2
        assert "--all" in answer.err


def test_the_comparison_is_of_all_published_studies_or_none(cli, tmp_path):
    for keys in (["lin"], ["abdelsalam", "lin"], []):
        answer = cli("study", "report", *keys, "--comparison", "--out", "report")
        assert answer.code == 2
        assert "--all" in answer.err
        assert "--comparison" in answer.err
    assert not (tmp_path / "report").exists()


def test_a_report_on_all_with_nothing_run_says_how_to_run_it(cli):
    answer = cli("study", "report", "--all")
    assert answer.code == 1
    assert "tenfold study run abdelsalam" in answer.err


def test_a_file_of_data_must_be_readable_and_wanted(cli, tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("label," + ",".join(f"pixel{n}" for n in range(783)) + "\n")
    refused = cli("study", "run", "lin", "--data", path)
    assert refused.code == 1
    assert "lin runs on mnist; it takes no file" in refused.err
    missing = cli("study", "run", "shrestha", "--data", path)
    assert missing.code == 1
    assert "784 columns make no square picture; expected label,pixel0" in missing.err
    absent = cli("study", "run", "shrestha", "--data", tmp_path / "none.csv")
    assert absent.code == 1
    assert "none.csv" in absent.err
    unlabeled = tmp_path / "test.csv"
    unlabeled.write_text(",".join(f"pixel{n}" for n in range(784)) + "\n" + ",".join(["0"] * 784) + "\n")
    answer = cli("study", "run", "shrestha", "--data", unlabeled)
    assert answer.code == 1
    assert "label" in answer.err


def test_the_users_data_is_run_reported_and_told_in_every_command(cli, mnist, tmp_path):
    given = tmp_path / "my data"
    given.mkdir()
    np.savez(given / "pile.npz", images=mnist.test.images[:300], labels=mnist.test.labels[:300])
    (tmp_path / "mine.py").write_text(
        EXAMPLE.read_text()
        .replace("train=600, test=200", "train=100, test=20")
        .replace("    Study,\n", "    Shuffled,\n    Study,\n")
        .replace("EXHIBITS = (", 'EXHIBITS = (\n    SampleImages("Samples", 5),')
        .replace("import Curves", "import Curves, SampleImages")
        .replace(
            "    deviations=(", '    split=Shuffled(300, 40, 40),\n    takes_data="a file",\n    deviations=('
        )
    )
    words = ["mine.py", "--scale", "smoke", "--data", "my data/pile.npz"]
    path = shlex.quote(str(given / "pile.npz"))

    nothing = cli("study", "report", *words)
    assert nothing.code == 1
    assert f"tenfold study run mine.py --data {path} --scale smoke" in nothing.err
    one = cli("study", "run", *words, "--workers", "1", "--only", "one layer")
    assert one.code == 0, one.err
    assert f"tenfold study run mine.py --data {path} --scale smoke" in " ".join(one.out.split())
    assert "tenfold study report mine.py --data 'my data/pile.npz' --scale smoke" in one.err
    report = cli("study", "report", *words, "--format", "both", "--out", "out")
    assert report.code == 0, report.err
    page = Path("out/README.md").read_text()
    assert "tenfold study run mine.py --data" in page, "two layers were not run"
    few = given / "few.npz"
    np.savez(few, images=mnist.test.images[:200], labels=mnist.test.labels[:200])
    refused = cli("study", "run", *words[:3], "--data", few)
    assert refused.code == 1
    assert "few.npz holds 200 images; the study divides 300" in refused.err
    assert "trainings" not in refused.err
    # Without the data it is another study: nothing of it was run.
    assert cli("study", "report", *words[:3]).code == 1


def test_a_training_that_diverges_is_named_and_the_others_are_kept_and_shown(cli, tmp_path):
    higher = 'RECIPE if name == "one layer" else replace(RECIPE, optimizer=SGD(lr=1e6))'
    text = EXAMPLE.read_text().replace("Setup(made, RECIPE)", f"Setup(made, {higher})")
    (tmp_path / "mine.py").write_text(f"from dataclasses import replace\n{text}")
    words = ("mine.py", "--scale", "smoke")

    run = cli("study", "run", *words, "--workers", "1")
    assert run.code == 1
    assert "2 trainings of mine.py failed:" in run.err
    for seed in (0, 1):
        assert f"my-study: two layers, honest, seed {seed}: The loss is not finite in epoch 1" in run.err
    assert "All others are finished and kept" in run.err
    assert "my-1  undecided" in run.out
    assert {(kept.tags["experiment"], kept.seed) for kept in Store().list()} == {
        ("one layer", 0),
        ("one layer", 1),
    }
    report = cli("study", "report", *words, "--format", "markdown", "--out", "out")
    assert report.code == 0, report.err
    assert "Not run at this scale: two layers" in Path("out/README.md").read_text()


def test_every_study_is_listed_and_shown(cli):
    listed = json.loads(cli("study", "list", "--json").out)
    assert [(row["key"], row["claims"]) for row in listed] == [
        ("abdelsalam", 3),
        ("hao", 7),
        ("lin", 7),
        ("okon", 6),
        ("shrestha", 6),
    ]
    for row in listed:
        shown = json.loads(cli("study", "show", row["key"], "--json").out)
        assert len(shown["experiments"]) == row["experiments"]
        assert shown["reported"]
        assert cli("study", "show", row["key"]).code == 0
