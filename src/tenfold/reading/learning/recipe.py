"""How the string network is trained: one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from tenfold.errors import RecipeError, lookup


@dataclass(frozen=True)
class ReaderRecipe:
    """How the string network is trained.

    The default, with seed 0, made the weights from which those that ship go on; their README tells how.

    Attributes
    ----------
    chunks : int >= 1
        Chunks of strips in all.
    chunk : int >= 1
        Strips in a chunk.
    repeats : int >= 1
        Times that each chunk is seen, toned and moved anew.
    batch : int from 1 to `chunk`
    lr : float > 0
        Peak of the one-cycle schedule.
    weight_decay : float >= 0
    guided : float in [0, 1]
        First share of the training in which the columns themselves are taught which digit lies there; later
        that counts a tenth beside the CTC loss.
    validation : int >= 1
        Strips to validate on, written with digits that are not trained on.
    """

    chunks: int = 320
    chunk: int = 2048
    repeats: int = 2
    batch: int = 96
    lr: float = 3e-3
    weight_decay: float = 0.02
    guided: float = 0.08
    validation: int = 1500

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            whole = item.type == "int"
            kind = int if whole else (int, float)
            low = 1 if whole else 0
            if not isinstance(value, kind) or isinstance(value, bool) or not value >= low:
                expected = f"a whole number >= {low}" if whole else "a number >= 0"
                raise RecipeError(f"{item.name} must be {expected}. Got {value!r} instead.")
        if self.batch > self.chunk:
            raise RecipeError(f"batch must be at most chunk, {self.chunk}. Got {self.batch} instead.")
        if self.guided > 1 or self.lr == 0:
            raise RecipeError(
                "guided must be in [0, 1] and lr above 0. "
                f"Got guided={self.guided!r} and lr={self.lr!r} instead."
            )

    def change(self, settings: dict[str, Any]) -> ReaderRecipe:
        """Return a recipe in which some settings are other ones.

        Raises
        ------
        UnknownNameError
            There is no such setting.
        RecipeError
            A value is out of range.
        """
        known = {item.name: item for item in fields(self)}
        for name in settings:
            lookup("setting of the reader's recipe", name, known)
        return replace(self, **settings)

    @property
    def steps(self) -> int:
        """How many steps are taken in all."""
        return self.chunks * self.repeats * (self.chunk // self.batch)
