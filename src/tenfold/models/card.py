"""The model card: what a model is, where it comes from, what it reached, and what it is not for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from tenfold.networks.architecture import Architecture
from tenfold.networks.summary import summary
from tenfold.runs.environment import commit, hardware, versions

if TYPE_CHECKING:
    from tenfold.data.dataset import Dataset
    from tenfold.training.loop import Trained

_NOT_STATED = "Not stated."
_LONGEST = 40
"""Lists longer than this are counted, not told; `config.json` holds them whole."""


def describe(
    trained: Trained,
    data: Dataset,
    *,
    results: Mapping[str, Any] | None = None,
    limits: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the card of a network that was just trained, as plain JSON values.

    Parameters
    ----------
    trained : Trained
    data : Dataset
        What it was trained on; its provenance is taken up as the split.
    results : mapping
        What was measured, by name; may be nested ("mnist/test" -> "accuracy" -> 0.99).
    limits : sequence of str
        What the model is not for, or was not tried on; a sentence each.
    """
    return {
        "network": trained.architecture.name,
        "recipe": trained.recipe.to_dict(),
        "data": {
            "name": data.name,
            "images": len(data),
            "sha256": data.sha256,
            "split": dict(data.provenance),
        },
        "seeds": [trained.seed],
        "engine": dict(trained.engine),
        "seconds": round(trained.seconds, 2),
        **_source(),
        "hardware": hardware(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": dict(results or {}),
        "limits": list(limits),
    }


@cache
def _source() -> dict[str, Any]:
    # Neither changes while a process runs, and asking git takes as long as a small training.
    return {"versions": versions(), "commit": commit()}


def render(
    architecture: Architecture, classes: Sequence[str], card: Mapping[str, Any], *, temperature: float = 1.0
) -> str:
    """Return the card as Markdown, with the front matter of a Hugging Face model card (YAML).

    Parameters
    ----------
    architecture : Architecture
    classes : sequence of str
    card : mapping
        As `Model.card`. A part that is left out is shown as not stated.
    temperature : float
    """
    name = architecture.name or "network"
    shape = " x ".join(map(str, architecture.input_shape))
    calibration = "" if temperature == 1.0 else f" Logits are divided by {temperature:.4g} (calibration)."
    data = card.get("data") or {}
    training = {
        key: card[key] for key in ("seeds", "engine", "seconds", "recipe") if card.get(key) is not None
    }
    origin = {
        key: card[key] for key in ("date", "commit", "versions", "hardware") if card.get(key) is not None
    }
    parts = [
        _front_matter(data),
        f"# {name}",
        f"A network of {architecture.parameters:,} parameters and {architecture.multiply_adds:,} "
        f"multiply-adds. It takes inputs of {shape} and tells {len(classes)} classes apart: "
        f"{', '.join(f'`{each}`' for each in classes)}.{calibration}",
        '```python\nfrom tenfold import Model\n\nmodel = Model.load("path/to/this/folder")\n'
        f"model.predict(inputs)  # {_inputs(architecture)}\n```",
        "## Results",
        _table("measured", card.get("results")),
        "## Limits",
        "\n".join(f"- {_line(limit)}" for limit in card.get("limits") or ()) or _NOT_STATED,
        "## Data",
        _table("training data", data),
        "## Training",
        _table("setting", training),
        "## Network",
        f"```text\n{str(summary(architecture)).strip()}\n```",
        "## Made with",
        _table("part", origin),
    ]
    known = {"network", "data", "results", "limits", *training, *origin}
    rest = {key: value for key, value in card.items() if key not in known and value is not None}
    if rest:
        parts += ["## Notes", _table("note", rest)]
    return "\n\n".join(parts) + "\n"


def _inputs(architecture: Architecture) -> str:
    if len(architecture.input_shape) == 1:
        return f"(n, {architecture.input_shape[0]}): as it was trained, see Data"
    channels, height, width = architecture.input_shape
    shape = (height, width) if channels == 1 else (height, width, channels)
    return f"(n, {', '.join(map(str, shape))}) uint8, ink 255 on paper 0"


def _front_matter(data: Mapping[str, Any]) -> str:
    # JSON strings are YAML strings, whatever they hold.
    lines = [
        "---",
        "library_name: tenfold",
        "pipeline_tag: image-classification",
        'tags: ["handwritten-digits", "safetensors"]',
    ]
    name = str(data.get("name", "")).split("/")[0]
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        lines.append(f"datasets: [{json.dumps(name)}]")
    return "\n".join([*lines, "---"])


def _table(head: str, values: object) -> str:
    if not isinstance(values, Mapping) or not values:
        return _NOT_STATED
    rows = [f"| {_line(key)} | {_line(value)} |" for key, value in _flat(values)]
    return "\n".join([f"| {head} | value |", "|---|---|", *rows])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _line(value: object) -> str:
    """Return a value as one line of Markdown that cannot break a table or a list."""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, list | tuple):
        text = ", ".join(map(_line, value)) if 0 < len(value) <= _LONGEST else f"{len(value)} values"
    else:
        text = "–" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
