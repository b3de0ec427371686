"""What of the results a judgment rests on."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenfold.errors import StudyError
from tenfold.studies.experiment import HONEST, SCALES
from tenfold.studies.results import Group, Results


@dataclass(frozen=True)
class Watched(Results):
    """Results that note what of them is asked for, and so what a judgment rests on.

    Attributes
    ----------
    found, used : list of Group
        What was there, and what was at the scale that is asked about.
    lacking : list of str
        Labels of what was not.
    """

    found: list[Group] = field(default_factory=list)
    used: list[Group] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @classmethod
    def of_results(cls, results: Results) -> Watched:
        """Return `results`, watched."""
        return cls(results.study, results.scale, results.groups, results.shorter)

    def find(self, name: str, reading: str = HONEST) -> Group | None:
        """Return the group as `Results.find` does."""
        group = super().find(name, reading)
        self.found.extend([group] if group else [])
        return group

    def get(self, name: str, reading: str = HONEST) -> Group:
        """Return the group as `Results.get` does."""
        try:
            group = super().get(name, reading)
        except StudyError:
            self.lacking.append(name)
            raise
        self.used.append(group)
        return group

    def of(self, experiment: str) -> list[Group]:
        """Return the groups as `Results.of` does."""
        groups = super().of(experiment)
        self.found.extend(groups)
        self.used.extend(group for group in groups if group.scale == self.scale)
        return groups

    @property
    def ran_at(self) -> str:
        """What the runs that were asked for were at, in words."""
        used = {group.scale for group in self.used}
        scales = used or {group.scale for group in self.found}
        names = " and ".join(scale for scale in reversed(SCALES) if scale in scales) or "not run"
        return f"{names}, in part" if used and self.lacking else names
