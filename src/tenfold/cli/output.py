"""What the commands say: results on stdout, talk on stderr."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenfold.report.document import Column
    from tenfold.runs.run import Run


def say(text: str) -> None:
    """Talk to the user, on stderr."""
    print(text, file=sys.stderr)


def show(text: str) -> None:
    """Print a result, on stdout."""
    print(text)


def show_paragraph(text: str) -> None:
    """Print prose, on a terminal wrapped to its width; further lines are indented deeper than the first."""
    if sys.stdout.isatty():
        indent = " " * (len(text) - len(text.lstrip()))
        width = min(shutil.get_terminal_size().columns, 100)
        text = textwrap.fill(
            text.strip(),
            width,
            initial_indent=indent,
            subsequent_indent=f"{indent}    " if indent else "",
            break_on_hyphens=False,
        )
    show(text)


def show_json(value: Any) -> None:
    """Print a result as JSON, on stdout; what is not finite becomes null."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False)
    # Numbers of a list on one line. No string can be met here: in JSON they hold no line breaks.
    show(re.sub(r"\[\n\s+([^\[\]{}\"]+?)\n\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text))


def show_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column | str]) -> None:
    """Print dicts as a table, a line each; `columns` says which keys to show and under what title."""
    from tenfold.report.tables import from_dicts, plain

    show(plain(from_dicts(rows, columns)))


def show_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, a line each; what is None is left out."""
    kept = {name: value for name, value in pairs.items() if value is not None}
    width = max(map(len, kept))
    for name, value in kept.items():
        first, *rest = str(value).splitlines() or [""]
        show("\n".join([f"{name:{width}}  {first}".rstrip(), *(f"{'':{width}}  {line}" for line in rest)]))


def accuracy_text(evaluation: Mapping[str, Any]) -> str:
    """Return the accuracy with its interval, of an evaluation as `Evaluation.to_dict` gives it."""
    low, high = evaluation["interval"]
    return (
        f"{evaluation['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%}), "
        f"{evaluation['errors']:,} wrong of {evaluation['n']:,}"
    )


def short(run: Run) -> str:
    """Return as much of a run's id as people type."""
    return run.id[:12]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
