"""What happened, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tenfold.errors import TrainingError


@dataclass
class History:
    """A table with one row for every recorded epoch.

    The columns are ``epoch`` (from 1), ``lr``, ``train_loss`` and ``train_accuracy`` (running means over the
    epoch, in training mode, as Keras reports them), ``seconds`` (wall clock since the start), and for each
    monitored data set ``<name>_loss`` and ``<name>_accuracy``, measured in evaluation mode after the epoch.

    Attributes
    ----------
    rows : list of dict
        Plain JSON values.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def add(self, **values: Any) -> None:
        """Add a row; epochs must ascend."""
        if self.rows and values["epoch"] <= self.rows[-1]["epoch"]:
            raise TrainingError(f"Epoch {values['epoch']} comes after epoch {self.rows[-1]['epoch']}.")
        self.rows.append(values)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order of first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def column(self, name: str) -> list[Any]:
        """Return one column; None where a row lacks it."""
        return [row.get(name) for row in self.rows]

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the table by column."""
        return {name: self.column(name) for name in self.columns}

    @classmethod
    def from_dict(cls, columns: dict[str, list[Any]]) -> History:
        """Return the history that `to_dict` wrote."""
        names = list(columns)
        return cls([dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)])
