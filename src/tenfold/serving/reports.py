"""``/studies``: the reports of a results folder as pages."""

from __future__ import annotations

from html import escape
from pathlib import Path

from tenfold.serving.markup import frame, markdown

PAGE = "README.md"


def names(results: Path) -> list[str]:
    """Return the names of the reports, sorted."""
    return sorted(path.parent.name for path in results.glob(f"*/{PAGE}"))


def render_index(results: Path | None) -> str:
    """Return the list of reports."""
    found = [] if results is None else names(results)
    if results is None or not found:
        body = (
            "<h1>Studies</h1><p>This service has no reports to show. Start it with "
            "<code>tenfold serve --results FOLDER</code>, a folder of reports that "
            "<code>tenfold study report</code> wrote.</p>"
        )
        return frame("Studies", body)
    items = [
        f'<li><a href="studies/{escape(name)}/">{escape(_title(results / name))}</a> '
        f'<span class="quiet">{escape(name)}</span></li>'
        for name in found
    ]
    body = (
        "<h1>Studies</h1><p>What publications said of handwritten digits, and what we measured.</p>"
        f"<ul class='list'>{''.join(items)}</ul>"
    )
    return frame("Studies", body)


def render_report(folder: Path) -> str:
    """Return a report as a page."""
    return frame(_title(folder), markdown((folder / PAGE).read_text(encoding="utf-8")), up="../../")


def _title(folder: Path) -> str:
    """Return a report's first heading."""
    lines = (folder / PAGE).read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), folder.name)
