"""A study of one's own in one file: the documented example runs, and a wrong file says what is wrong."""

import re
import sys
from pathlib import Path

import pytest

from tenfold.errors import StudyError, UnknownNameError
from tenfold.networks import Conv, Dense, Flatten, network
from tenfold.runs import Store
from tenfold.studies import HONEST, SEARCH, Candidates, Experiment, On, Scale, Setup, get_study
from tenfold.studies.chapter import document, verdicts
from tenfold.studies.jobs import collect
from tenfold.studies.runner import estimate, run_study
from tenfold.training import SGD, Adam, Recipe

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


SETUP, JUDGE = (
    "Setup(made, RECIPE)",
    'all_of(better("two layers", than="one layer"), reaches("two layers", 0.97))',
)
LAYER = 'network(784)(Dense(32), ReLU(), Dense(10), name="one-layer")'
READINGS = "readings=(HONEST,)"


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Return a function that writes the example, changed, and gives the name of the file to read it from."""
    monkeypatch.chdir(tmp_path)

    def write(*changes):
        text = EXAMPLE.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("mine.py").write_text(text)
        return "mine.py"

    return write


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds=2", "seeds=0", "Scale: seeds must be an integer >= 1. Got 0 instead."),
        ("seeds=2", "seeds=True", "Scale: seeds must be an integer >= 1. Got True instead."),
        ("epochs=0.1", "epochs=-3", "Scale: epochs must be the part of the published epochs, above 0 and at"),
        ("train=600", "train=-600", "Scale: train must be an integer >= 1. Got -600 instead."),
        ('"smoke":', '"smok":', "There is no scale named 'smok'. Did you mean 'smoke'?"),
        (LAYER, '"hao-mlp"', "Setup: network must be an Architecture: network(784)(...), or get(name)"),
        (SETUP, "(made, RECIPE)", "one layer: setup must be a Setup, Classical or Candidates. Got (Arch"),
        (SETUP, "Setup(made, {})", "Setup: recipe must be a Recipe, of tenfold.training. Got {} instead."),
        (SETUP, "Setup(made, RECIPE, 'numpy')", "Setup: on must be an On or None. Got 'numpy' instead."),
        (SETUP, "Setup(made, RECIPE, watch_every=-1)", "Setup: watch_every must be an integer >= 0."),
        (SETUP, "experiment.On('nmpy')", "There is no engine named 'nmpy'. Did you mean 'numpy'?"),
        (SETUP, "experiment.Classical('knm', 1)", "There is no baseline named 'knm'. Did you mean 'knn'?"),
        (SETUP, "experiment.Classical('knn', 0)", "Classical: seconds must be a number above 0. Got 0"),
        (SETUP, "experiment.Candidates({})", "Candidates must be one setup or several, by label. Got {}"),
        (SETUP, "experiment.Candidates([1])", "Candidates must be a dict of names and Setup. Got [1]"),
        (READINGS, "readings=HONEST", "one layer: readings must be a tuple of str, at least one; a tuple of"),
        (READINGS, "takes=('lr',)", "There is no setting of a recipe named 'lr'."),
        ('"my-1"', "1", "Claim: key must be a text that is not empty. Got 1 instead."),
        (JUDGE, '"holds"', "my-1: judge must be a predicate, such as better(a, than=b). Got 'holds'"),
        ('key="my-study"', 'key="../<b>"', "Study: key must be made of a-z, 0-9 and - (it names a folder)."),
        ('("You",)', "()", "my-study: authors must be a tuple of str, at least one; a tuple of one ends in"),
        (
            '("You",)',
            '"You"',
            "my-study: authors must be a tuple of str, at least one; a tuple of one ends in",
        ),
        ("reported=REPORTED,", "reported=[1, 2],", "my-study: reported must be a dict. Got [1, 2] instead."),
        (
            "reported=REPORTED,",
            "reported={'a': {1}},",
            "my-study: reported must be made of numbers, texts, lists",
        ),
        ("claims=CLAIMS", "claims=('my-1',)", "my-study: claims: number 1 must be of type Claim. Got 'my-1'"),
        ("exhibits=EXHIBITS", "exhibits=(1,)", "exhibits: number 1 must be an Exhibit, such as Curves("),
        ('Curves("Two layers"', 'Curves(""', "exhibits: number 2, Curves: title must be a text that is not"),
        (
            "    deviations=(",
            "    split=(9, 1, 1),\n    deviations=(",
            "split must be a Shuffled or None. Got",
        ),
        ("STUDY = Study(", "raise SystemExit(3)\nSTUDY = Study(", "SystemExit: 3"),
    ],
)
def test_a_part_that_is_not_what_it_must_be_is_told_with_its_line(changed, old, new, message):
    file = changed(
        (
            "from tenfold.studies.claims",
            "from tenfold.studies import experiment\nfrom tenfold.studies.claims",
        ),
        (old, new),
    )
    with pytest.raises(
        StudyError, match=rf"^mine\.py, line \d+, cannot be run as a study: .*{re.escape(message)}"
    ):
        get_study(file)
    assert "tenfold_study_mine" not in sys.modules


def test_a_study_that_divides_its_data_itself_has_two_readings(changed):
    drawn = changed(
        ("    Study,\n", "    Shuffled,\n    Study,\n"),
        ("    deviations=(", "    split=Shuffled(500, 50, 50),\n    deviations=("),
    )
    assert get_study(drawn).split.drawn == 500
    text = Path(drawn).read_text()
    Path(drawn).write_text(text.replace(READINGS, 'readings=("as published", HONEST)'))
    with pytest.raises(StudyError, match=r"one layer: readings must be 'honest' or 'search' in a study that"):
        get_study(drawn)
    Path(drawn).write_text(text.replace("500, 50, 50", "100, 50, 50"))
    with pytest.raises(StudyError, match=r"split: drawn must be an integer >= 101\. Got 100"):
        get_study(drawn)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            (JUDGE, "lambda results: 1 / 0"),
            StudyError,
            r"claim my-1, line \d+: ZeroDivisionError: division by",
        ),
        (
            (JUDGE, "lambda results: None"),
            StudyError,
            r"claim my-1: TypeError: a predicate must return a Judgm",
        ),
        (
            (JUDGE, f"all_of({JUDGE}, lambda results: {{}}[1])"),
            StudyError,
            r"claim my-1, line \d+: KeyError: 1",
        ),
        (
            (JUDGE, 'better("a", than="b")'),
            UnknownNameError,
            "claim my-1: There is no experiment of my-study",
        ),
        (
            ('Curves("Two layers", "two layers"', 'Curves("Two layers", "two layer"'),
            UnknownNameError,
            "exhibit 'Two layers': There is no experiment of my-study named 'two layer'. Did you mean",
        ),
        (
            ("tuple(NETWORKS), test=REPORTED", "tuple(NETWORKS), test=1"),
            StudyError,
            "exhibit 'Both networks': AttributeError: 'int' object has no attribute 'get'",
        ),
    ],
)
def test_a_claim_or_an_exhibit_that_goes_wrong_is_told_before_training(changed, change, error, message):
    study = get_study(changed(change))
    with pytest.raises(error, match=rf"^mine\.py, {message}"):
        run_study(study, scale="smoke", store=Store("store"), workers=1)
    assert Store("store").list() == ()


def test_a_scale_that_no_experiment_has_is_told(changed):
    study = get_study(changed(('    "smoke": Scale(seeds=2, epochs=0.1, train=600, test=200),\n', "")))
    with pytest.raises(StudyError, match=r"^mine\.py: no experiment has a smoke scale\. .*: quick, paper\.$"):
        run_study(study, scale="smoke", store=Store("store"), workers=1)


def test_data_that_is_not_there_is_told_with_the_file(changed):
    study = get_study(changed(("    deviations=(", '    data="mnits",\n    deviations=(')))
    with pytest.raises(UnknownNameError, match=r"^mine\.py: There is no data set .*Did you mean 'mnist'"):
        estimate(study, scale="smoke", store=Store("store"))


OWN_EXHIBIT = """
from dataclasses import dataclass
from tenfold.report.document import Text
from tenfold.studies.exhibit import Exhibit

@dataclass(frozen=True)
class Mine(Exhibit):
    name: str
    def blocks(self, results):
        return SHOWN

EXHIBITS = (
"""


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("[Text(self.name)]", "Text(markdown='one layer')"),
        ("[Text(results.get(self.name).label)]", "one layer (honest) was not run at smoke scale"),
    ],
)
def test_an_exhibit_of_ones_own_may_stand_in_the_file(changed, shown, expected):
    body = OWN_EXHIBIT.replace("SHOWN", shown) + '    Mine("Mine", "one layer"),'
    file = changed(("EXHIBITS = (", body))
    Path(file).write_text("from __future__ import annotations\n" + Path(file).read_text().split('"""', 2)[2])
    results = collect(get_study(file), "smoke", Store("store"))
    assert any(expected in str(block) for block in document([results]).blocks())


def test_an_exhibit_that_shows_no_blocks_is_told(changed):
    body = OWN_EXHIBIT.replace("SHOWN", "self.name") + '    Mine("Mine", "one layer"),'
    study = get_study(changed(("EXHIBITS = (", body)))
    with pytest.raises(StudyError, match=r"^mine\.py, exhibit 'Mine': TypeError: blocks must return a list"):
        document([collect(study, "smoke", Store("store"))])


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


def test_what_skorch_cannot_search_is_told_before_anything_is_trained(tmp_path, make_study):
    scales = {"paper": Scale(seeds=1, train=100, test=100)}
    linear = network(784)(Dense(10))
    found = {"good": Adam(), "bad": SGD()}
    candidates = Candidates(
        {name: Setup(linear, Recipe(1, 32, rule), On("skorch")) for name, rule in found.items()}
    )
    experiments = (
        Experiment("search", candidates, scales, readings=(SEARCH,)),
        Experiment("other", Setup(linear, Recipe(1)), scales, readings=(HONEST,)),
    )
    study = make_study("a", experiments=experiments, claims=())
    with pytest.raises(StudyError, match=r"^search \(bad\) of tiny cannot be trained: .* Got SGD"):
        run_study(study, scale="paper", store=Store(tmp_path), workers=1)
    assert Store(tmp_path).list() == ()


def test_a_claim_about_an_experiment_that_there_is_not_is_told_before_training(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text().replace('than="one layer"', 'than="no layer"'))
    with pytest.raises(UnknownNameError, match="no experiment of my-study named 'no layer'"):
        run_study(get_study(str(path)), scale="smoke", store=Store(tmp_path), workers=1)


def test_what_is_to_be_run_is_named_by_its_file(tmp_path):
    results = collect(get_study(str(EXAMPLE)), "smoke", Store(tmp_path))
    with pytest.raises(StudyError, match=f"tenfold study run {EXAMPLE} --scale smoke"):
        results.get("one layer")
