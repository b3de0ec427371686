"""A study is a published paper as data: what it reported, what is run, what is claimed, where we deviate.

Nothing here trains or draws: the runner runs a study, claims judge its results, exhibits show them. All
studies share these three.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from json import dumps
from shlex import join
from typing import TYPE_CHECKING, Any

from tenfold.data import CATALOG
from tenfold.errors import StudyError, UnknownNameError
from tenfold.studies.checks import must, must_be_text, must_be_tuple, must_be_whole, must_map
from tenfold.studies.experiment import HONEST, SEARCH, Candidates, Experiment

if TYPE_CHECKING:
    from tenfold.studies.exhibit import Exhibit
    from tenfold.studies.judgment import Judgment
    from tenfold.studies.results import Results

KEY = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Shuffled:
    """A division of one pile of images: shuffled, then cut, the first for test, the next for validation.

    Where the data set is MNIST, the pile is drawn from its training and test images together.

    Attributes
    ----------
    drawn, test, validation : int
        How many images; what is drawn and neither for test nor for validation is trained on.
    """

    drawn: int
    test: int
    validation: int

    def __post_init__(self) -> None:
        must_be_whole(self.test, "Shuffled: test", 1)
        must_be_whole(self.validation, "Shuffled: validation", 1)
        must_be_whole(self.drawn, "Shuffled: drawn", 1)


@dataclass(frozen=True)
class Claim:
    """What a paper says, and the predicate that judges it.

    Attributes
    ----------
    key : str
        As in "li-2".
    text : str
        The claim in a sentence.
    judge : function of Results to Judgment
        From `claims`. It sees means over seeds and their intervals, never one lucky run.
    """

    key: str
    text: str
    judge: Callable[[Results], Judgment]

    def __post_init__(self) -> None:
        must_be_text(self.key, "Claim: key")
        must_be_text(self.text, f"{self.key}: text")
        must(callable(self.judge), f"{self.key}: judge", "a predicate, such as better(a, than=b)", self.judge)


@dataclass(frozen=True)
class Deviation:
    """Where we do not do as the paper did.

    Attributes
    ----------
    paper, ours, reason : str
        What the paper did, what we do, and why.
    """

    paper: str
    ours: str
    reason: str


@dataclass(frozen=True)
class Assumption:
    """A setting that the paper leaves out.

    Attributes
    ----------
    setting, value, reason : str
        What is missing, what we take, and why.
    taken : str
        The candidate of a search that has the value that we take, where others were tried beside it.
    tried : mapping of str to str
        What else could be taken, and the candidate that has it.
    """

    setting: str
    value: str
    reason: str
    taken: str = ""
    tried: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        must_map(self.tried, f"{self.setting}: tried", str)


@dataclass(frozen=True)
class Study:
    """A published paper as data.

    Attributes
    ----------
    key : str
        The author's name, in lower case: letters a-z, digits and -.
    title, source, framework : str
    authors : tuple of str
    summary : str
        What it did, in two or three sentences.
    reported : dict
        Its numbers, as printed; accuracies are fractions of 1.
    experiments : tuple of Experiment
    claims : tuple of Claim
    exhibits : tuple of Exhibit
        Every table and figure of the paper, and ours beside them, in the order of the report.
    deviations : tuple of Deviation
        Numbered from 1 in every report.
    assumptions : tuple of Assumption
    noticed : tuple of str
        Contradictions and omissions in the paper.
    data : str
        The name or path of the data set.
    validation : int
        Size of the split held out of the training set in the honest reading.
    split : Shuffled or None
        Where the paper divides its data itself.
    takes_data : str
        What file ``--data`` may name instead of `data`; empty if none.
    file : str
        The Python file that it was read from, for a study of the user's own; set by `get_study`.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    summary: str
    reported: Mapping[str, Any]
    experiments: tuple[Experiment, ...]
    claims: tuple[Claim, ...]
    exhibits: tuple[Exhibit, ...]
    deviations: tuple[Deviation, ...]
    assumptions: tuple[Assumption, ...] = ()
    noticed: tuple[str, ...] = ()
    source: str = ""
    framework: str = ""
    data: str = "mnist"
    validation: int = 6000
    split: Shuffled | None = None
    takes_data: str = ""
    file: str = ""
    by_name: dict[str, Experiment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        names = [experiment.name for experiment in self.experiments]
        keys = [claim.key for claim in self.claims]
        for kind, values in (("experiments", names), ("claims", keys)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise StudyError(f"{self.key}: two {kind} are called {min(twice)!r}; names must differ.")
        object.__setattr__(self, "by_name", dict(zip(names, self.experiments, strict=True)))
        for experiment in self.experiments:
            if experiment.chosen_from:
                self._check_chosen(experiment, self.experiment(experiment.chosen_from))

    def _check(self) -> None:
        """Raise `StudyError` unless every part is what it must be."""
        key = isinstance(self.key, str) and KEY.fullmatch(self.key)
        must(bool(key), "Study: key", "made of a-z, 0-9 and - (it names a folder)", self.key)
        for name in ("title", "summary", "source", "framework", "takes_data"):
            must(isinstance(getattr(self, name), str), f"{self.key}: {name}", "a text", getattr(self, name))
        must_be_text(self.data, f"{self.key}: data")
        must_be_whole(self.validation, f"{self.key}: validation", 0)
        must(isinstance(self.reported, Mapping), f"{self.key}: reported", "a dict", self.reported)
        try:
            dumps(dict(self.reported))
        except (TypeError, ValueError) as error:
            plain = "made of numbers, texts, lists and dicts with texts for keys, as JSON can hold them"
            raise StudyError(f"{self.key}: reported must be {plain}: {error}.") from None
        must(isinstance(self.split, Shuffled | None), f"{self.key}: split", "a Shuffled or None", self.split)
        if self.split is not None:
            least = self.split.test + self.split.validation + 1
            must_be_whole(self.split.drawn, f"{self.key}: split: drawn", least)
        kinds = {
            "authors": (str, 1),
            "experiments": (Experiment, 1),
            "claims": (Claim, 0),
            "exhibits": (object, 0),
            "deviations": (Deviation, 0),
            "assumptions": (Assumption, 0),
            "noticed": (str, 0),
        }
        for name, (kind, least) in kinds.items():
            must_be_tuple(getattr(self, name), f"{self.key}: {name}", kind, least)
        for number, each in enumerate(self.exhibits, 1):
            what = f"{self.key}: exhibits: number {number}"
            shows = callable(getattr(each, "blocks", None)) and hasattr(each, "title")
            must(shows, what, "an Exhibit, such as Curves(title, name)", each)
            must_be_text(each.title, f"{what}, {type(each).__name__}: title")
        for experiment in self.experiments:
            others = [each for each in experiment.readings if each not in (HONEST, SEARCH)]
            must(
                self.split is None or not others,
                f"{experiment.name}: readings",
                f"{HONEST!r} or {SEARCH!r} in a study that divides its data itself (split)",
                others,
            )

    def _check_chosen(self, experiment: Experiment, search: Experiment) -> None:
        """Raise `StudyError` unless `search` can choose for `experiment`, at every scale that this has."""
        if not isinstance(search.setup, Candidates):
            raise StudyError(f"{experiment.name}: {search.name} holds no candidates to choose from.")
        if "skorch" in search.engines and not experiment.takes:
            raise StudyError(
                f"{experiment.name}: skorch searches only, so what wins in {search.name} cannot be trained "
                "as it is. Give with takes the settings of its recipe that are to be taken."
            )
        lacking = ", ".join(scale for scale in experiment.scales if scale not in search.scales)
        if lacking:
            raise StudyError(
                f"{experiment.name} has {lacking} scale, but {search.name}, from which it is chosen, has not."
                f" Give {search.name} every scale of {experiment.name}."
            )

    def experiment(self, name: str) -> Experiment:
        """Return the experiment `name`, or raise `UnknownNameError` naming the nearest."""
        if name not in self.by_name:
            raise UnknownNameError(f"experiment of {self.key}", name, self.by_name)
        return self.by_name[name]

    def holding(self, name: str) -> Experiment | None:
        """Return the experiment `name`, or the one with a candidate of this label; None if there is none."""
        for each in self.experiments:
            labels = each.setup.setups if isinstance(each.setup, Candidates) else {}
            if name == each.name or name in labels or name.removeprefix(f"{each.name}: ") in labels:
                return each
        return None

    @property
    def argument(self) -> str:
        """What names it in a command: its key, or the path of the user's file; and the user's data."""
        given = ["--data", self.data] if self.takes_data and self.data not in CATALOG else []
        return join([self.file or self.key, *given])

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every name under which results are found: experiments, and candidates of a search."""
        found = set(self.by_name)
        for name, each in self.by_name.items():
            if isinstance(each.setup, Candidates):
                found |= {f"{name}: {label}" if each.on_request else label for label in each.setup.setups}
        return frozenset(found)

    @property
    def own(self) -> tuple[str, ...]:
        """Names of what the paper did: nothing on request, no search that only tries other assumptions."""
        tried = {label for each in self.assumptions for label in each.tried.values()}
        chosen_from = {each.chosen_from for each in self.experiments}
        return tuple(
            name
            for name, each in self.by_name.items()
            if not each.on_request
            and (
                name in chosen_from
                or not isinstance(each.setup, Candidates)
                or tried.isdisjoint(each.setup.setups)
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the study is as plain JSON values, for ``tenfold study show --json``."""
        return {
            "key": self.key,
            "title": self.title,
            "authors": list(self.authors),
            "source": self.source,
            "framework": self.framework,
            "summary": self.summary,
            "reported": dict(self.reported),
            "experiments": [experiment.to_dict() for experiment in self.experiments],
            "claims": {claim.key: claim.text for claim in self.claims},
            "deviations": [
                {"number": number, "paper": each.paper, "ours": each.ours, "reason": each.reason}
                for number, each in enumerate(self.deviations, 1)
            ],
            "assumptions": [
                {
                    "setting": each.setting,
                    "value": each.value,
                    "reason": each.reason,
                    "tried": list(each.tried),
                }
                for each in self.assumptions
            ],
            "noticed": list(self.noticed),
            "data": self.data,
            "takes_data": self.takes_data or None,
            "validation": self.validation,
            "split": None if self.split is None else vars(self.split),
        }
