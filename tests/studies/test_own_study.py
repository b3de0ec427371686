"""A study of one's own in one file: the documented example runs, and a wrong file says what is wrong."""

from pathlib import Path

import pytest

from tenfold.errors import StudyError, UnknownNameError
from tenfold.networks import Conv, Dense, Flatten, network
from tenfold.runs import Store
from tenfold.studies import HONEST, Experiment, On, Scale, Setup, get_study
from tenfold.studies.chapter import document, verdicts
from tenfold.studies.jobs import collect
from tenfold.studies.runner import estimate, run_study
from tenfold.training import Recipe

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "study.py"


def test_the_example_of_the_documentation_runs_whole(tmp_path):
    study = get_study(str(EXAMPLE))
    store = Store(tmp_path)
    ahead = estimate(study, scale="smoke", store=store)
    assert ahead.trainings == 4
    assert 0 < ahead.seconds < 60
    results = run_study(study, scale="smoke", store=store, workers=1)
    assert results.complete
    assert estimate(study, scale="smoke", store=store).trainings == 0
    assert [verdict.key for verdict in verdicts(results)] == ["my-1"]
    assert len(list(document([results]).blocks())) > 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "holds no STUDY"),
        ("STUDY = 'lin'\n", "a STUDY of type str"),
        ("x = 1\nSTUDY = nothing\n", r"line 2, cannot be run as a study: NameError"),
        ("STUDY = (\n", r"line 1, cannot be run as a study: SyntaxError"),
        ("import no_such_module\n", r"line 1, .*ModuleNotFoundError"),
        ("from tenfold.studies.lin import STUDY\n", "the key 'lin' is that of a study of Tenfold"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_where(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(StudyError, match=message):
        get_study(str(path))


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(StudyError, match=r"nowhere/mine\.py is no file"):
        get_study("nowhere/mine.py")


def test_a_network_that_does_not_fit_is_told_before_anything_is_trained(tmp_path, make_study):
    scales = {"paper": Scale(seeds=1, train=100, test=100)}
    wide = network(32, 32)(Conv(2, 3), Flatten(), Dense(10), name="wide")
    study = make_study("a", experiments=(Experiment("a", Setup(wide, Recipe(1)), scales),))
    with pytest.raises(StudyError, match=r"a of tiny cannot be trained: wide takes images of shape"):
        run_study(study, scale="paper", store=Store(tmp_path), workers=1)
    few = network(784)(Dense(5), name="few")
    study = make_study("a", experiments=(Experiment("a", Setup(few, Recipe(1)), scales),))
    with pytest.raises(StudyError, match="few tells 5 classes apart; the data has 10"):
        run_study(study, scale="paper", store=Store(tmp_path), workers=1)
    assert Store(tmp_path).list() == ()


def test_a_recipe_that_cannot_be_trained_together_is_told_before_anything_is_trained(tmp_path, make_study):
    scales = {"paper": Scale(seeds=1, train=100, test=100)}
    setup = Setup(network(784)(Dense(10)), Recipe(1, 32), On("numpy", together=True))
    study = make_study("a", experiments=(Experiment("a", setup, scales, readings=(HONEST,)),))
    with pytest.raises(
        StudyError, match="cannot be trained: A population takes recipes with batch_size 'full'"
    ):
        run_study(study, scale="paper", store=Store(tmp_path), workers=1)


def test_a_claim_about_an_experiment_that_there_is_not_is_told_before_training(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text().replace('than="one layer"', 'than="no layer"'))
    with pytest.raises(UnknownNameError, match="no experiment of my-study named 'no layer'"):
        run_study(get_study(str(path)), scale="smoke", store=Store(tmp_path), workers=1)


def test_what_is_to_be_run_is_named_by_its_file(tmp_path):
    results = collect(get_study(str(EXAMPLE)), "smoke", Store(tmp_path))
    with pytest.raises(StudyError, match=f"tenfold study run {EXAMPLE} --scale smoke"):
        results.get("one layer")
