"""``/studies``: the reports of a results folder as pages."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

from tenfold.serving.markup import frame, markdown

PAGE = "README.md"


def reports(results: Path) -> dict[str, Path]:
    """Return the reports by name: folders with a page, and pages that lie beside them, each sorted."""
    studies = {path.parent.name: path for path in sorted(results.glob(f"*/{PAGE}"))}
    pages = {path.stem: path for path in sorted(results.glob("*.md")) if path.name != PAGE}
    return studies | {name: path for name, path in pages.items() if name not in studies}


def render_index(results: Path | None) -> str:
    """Return the list of reports."""
    found = {} if results is None else reports(results)
    if not found:
        body = (
            "<h1>Studies</h1><p>This service has no reports to show. Start it with "
            "<code>tenfold serve --results FOLDER</code>, a folder of reports that "
            "<code>tenfold study report</code> wrote.</p>"
        )
        return frame("Studies", body)
    studies = {name: page for name, page in found.items() if page.name == PAGE}
    others = {name: page for name, page in found.items() if page.name != PAGE}
    body = "<h1>Studies</h1>"
    if studies:
        body += "<p>What publications said of handwritten digits, and what we measured.</p>" + _list(studies)
    if others:
        body += "<h2>Measurements</h2>" + _list(others)
    return frame("Studies", body)


def render_report(page: Path) -> str:
    """Return a report as a page."""
    return frame(_title(page), markdown(page.read_text(encoding="utf-8")), up="../../")


def _list(found: Mapping[str, Path]) -> str:
    items = [
        f'<li><a href="studies/{escape(quote(name))}/">{escape(_title(page))}</a> '
        f'<span class="quiet">{escape(name)}</span></li>'
        for name, page in found.items()
    ]
    return f"<ul class='list'>{''.join(items)}</ul>"


def _title(page: Path) -> str:
    """Return a report's first heading."""
    name = page.parent.name if page.name == PAGE else page.stem
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), name)
