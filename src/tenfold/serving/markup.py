"""Pages that are written here rather than shipped: one frame, and Markdown that lets no HTML through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

_ALLOWED = re.compile(r'<a id="[\w.-]+">|</a>|<br ?/?>')
"""What our own reports hold of HTML. All else is shown as text."""


def frame(title: str, body: str, *, up: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
    body : str
        HTML.
    up : str
        What leads from this page to the first one ("../").
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – Tenfold</title>
<link rel="icon" href="{up}icon.svg">
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="{up}."><img src="{up}icon.svg" alt="" width="28" height="28"> Tenfold</a>
<nav aria-label="Site">
<a href="{up}.">Draw</a> <a href="{up}studies">Studies</a> <a href="{up}docs">API</a>
</nav>
</header>
<main id="main" class="prose">
{body}
</main>
</body>
</html>
"""


def markdown(text: str) -> str:
    """Return Markdown as HTML; raw HTML in it is shown as text, but for anchors and line breaks."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.add_render_rule("html_inline", _html)
    parser.add_render_rule("html_block", _html)
    parser.add_render_rule("table_open", _scroll)
    parser.add_render_rule("table_close", lambda *given: "</table></div>\n")
    tokens = parser.parse(text)
    for number, table in enumerate((one for one in tokens if one.type == "table_open"), 1):
        table.meta["number"] = number
    for start, cell, end in zip(tokens, tokens[1:], tokens[2:], strict=False):
        # A heading without words heads nothing.
        if start.type == "th_open" and not cell.content.strip():
            start.tag = end.tag = "td"
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    # Alignment comes as a style, which the page's policy forbids.
    return re.sub(r' style="text-align:(\w+)"', r' class="\1"', rendered)


def _scroll(renderer: Any, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    label = f"Table {tokens[index].meta['number']}"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>\n'


def _html(renderer: Any, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    text = tokens[index].content
    return "".join(
        part if _ALLOWED.fullmatch(part) else escape(part) for part in re.split(f"({_ALLOWED.pattern})", text)
    )
