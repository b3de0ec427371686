"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class EngineName(StrEnum):
    """The engines by name."""

    auto = "auto"
    torch = "torch"
    numpy = "numpy"


class PredictorName(StrEnum):
    """What can compute predictions, by name."""

    auto = "auto"
    onnx = "onnx"
    numpy = "numpy"
    torch = "torch"


class ScaleName(StrEnum):
    """The scales of a study by name."""

    smoke = "smoke"
    quick = "quick"
    paper = "paper"


EngineOption = Annotated[
    EngineName, typer.Option("--engine", help="What computes; auto: torch where it is installed.")
]
PredictorOption = Annotated[
    PredictorName, typer.Option("--engine", help="What computes; auto: ONNX Runtime, a thread a core.")
]
ScaleOption = Annotated[
    ScaleName,
    typer.Option(
        "--scale",
        help="How much is run; paper: the published recipe in full, quick: minutes on two cores, smoke: "
        "for tests.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
SeedOption = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        max=2**63 - 1,  # what the store can hold
        metavar="N",
        help="Same seed, same weights, bit for bit.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, metavar="N", help="How many processes train; by default one a core."),
]
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model folder, the name of a shipped model, or the start of a run's id."
    ),
]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write to this file instead of stdout.")
]


def examples(*lines: str) -> str:
    """Return the examples at the end of a command's help, a line each."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
