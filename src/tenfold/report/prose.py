"""A small, safe Markdown: paragraphs, lists, bold, italics, code and links. No raw HTML passes.

Text is parsed into values once, and drawn from them in HTML, in Markdown and as plain text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

_SPAN = re.compile(
    r"""\\(?P<escaped>[\\`*\[\]])
      | (?P<ticks>`+)(?P<code>.+?)(?P=ticks)(?!`)
      | \*\*(?=\S)(?P<strong>.+?)(?<=\S)\*\*
      | \*(?=\S)(?P<em>.+?)(?<=\S)\*
      | \[(?P<text>[^\]]+)\]\((?P<target>[^()\s]+)\)""",
    re.VERBOSE | re.DOTALL,
)
_ITEM = re.compile(r"(?P<bullet>[-*]|\d+\.)\s+(?P<text>.+)")
_TARGET = re.compile(r"https?://|mailto:|#|[\w./-]+(#[\w-]+)?$")


@dataclass(frozen=True)
class Span:
    """A run of text: plain or code (`text`), or bold, italic or a link (`children`)."""

    kind: Literal["text", "code", "strong", "em", "link"]
    text: str = ""
    children: tuple[Span, ...] = ()
    target: str = ""


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    line: Line


@dataclass(frozen=True)
class Items:
    """A list, numbered or not."""

    lines: tuple[Line, ...]
    numbered: bool = False


def parse(text: str) -> tuple[Paragraph | Items, ...]:
    """Return the paragraphs and lists of `text`. A blank line ends either."""
    blocks: list[Paragraph | Items] = []
    for chunk in re.split(r"\n\s*\n", text.strip("\n")):
        prose: list[str] = []
        items: list[str] = []
        numbered = False
        for line in filter(None, map(str.strip, chunk.splitlines())):
            if match := _ITEM.fullmatch(line):
                numbered = numbered or match["bullet"][0].isdigit()
                items.append(match["text"])
            elif items:
                items[-1] += " " + line
            else:
                prose.append(line)
        if prose:
            blocks.append(Paragraph(parse_line(" ".join(prose))))
        if items:
            blocks.append(Items(tuple(map(parse_line, items)), numbered))
    return tuple(blocks)


def parse_line(text: str) -> Line:
    """Return the spans of one line."""
    spans: list[Span] = []
    plain = ""
    place = 0
    for match in _SPAN.finditer(text):
        plain += text[place : match.start()]
        place = match.end()
        if match["escaped"]:
            plain += match["escaped"]
            continue
        if plain:
            spans.append(Span("text", plain))
            plain = ""
        if match["code"]:
            spans.append(Span("code", match["code"].strip() or match["code"]))
        elif match["strong"]:
            spans.append(Span("strong", children=parse_line(match["strong"])))
        elif match["em"]:
            spans.append(Span("em", children=parse_line(match["em"])))
        else:
            spans.append(Span("link", children=parse_line(match["text"]), target=match["target"]))
    plain += text[place:]
    if plain:
        spans.append(Span("text", plain))
    return tuple(spans)


def line_html(line: Line, anchors: Collection[str]) -> str:
    """Draw one line in HTML. A link that leads nowhere safe or known is drawn as its text alone."""
    return "".join(_span_html(span, anchors) for span in line)


def to_html(text: str, anchors: Collection[str]) -> str:
    """Draw `text` in HTML; `anchors` are the ids of the page."""
    parts = []
    for block in parse(text):
        if isinstance(block, Paragraph):
            parts.append(f"<p>{line_html(block.line, anchors)}</p>")
        else:
            tag = "ol" if block.numbered else "ul"
            items = "".join(f"<li>{line_html(line, anchors)}</li>" for line in block.lines)
            parts.append(f"<{tag}>{items}</{tag}>")
    return "\n".join(parts)


def line_markdown(line: Line, anchors: Collection[str]) -> str:
    """Draw one line in Markdown, with every character that means something there escaped."""
    return "".join(_span_markdown(span, anchors) for span in line)


def to_markdown(text: str, anchors: Collection[str]) -> str:
    """Draw `text` in Markdown."""
    parts = []
    for block in parse(text):
        if isinstance(block, Paragraph):
            parts.append(_no_mark(line_markdown(block.line, anchors)))
        else:
            bullets = [f"{n}." if block.numbered else "-" for n in range(1, len(block.lines) + 1)]
            lines = (_no_mark(line_markdown(line, anchors)) for line in block.lines)
            parts.append("\n".join(f"{bullet} {line}" for bullet, line in zip(bullets, lines, strict=True)))
    return "\n\n".join(parts)


def to_text(text: str) -> str:
    """Return `text` without its marks, on one line."""
    lines: list[Line] = []
    for block in parse(text):
        lines += [block.line] if isinstance(block, Paragraph) else block.lines
    return " ".join(map(_line_text, lines))


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    text = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def _no_mark(line: str) -> str:
    """Escape what would make a heading, a quotation or a list of the line."""
    return re.sub(r"^(\d*)([#>+=.)-])", r"\1\\\2", line)


def _line_text(line: Line) -> str:
    return "".join(span.text or _line_text(span.children) for span in line)


def _leads_somewhere(target: str, anchors: Collection[str]) -> bool:
    if target.startswith("#"):
        return target[1:] in anchors
    return bool(_TARGET.match(target))


def _span_html(span: Span, anchors: Collection[str]) -> str:
    if span.kind == "text":
        return html.escape(span.text)
    if span.kind == "code":
        return f"<code>{html.escape(span.text)}</code>"
    inner = line_html(span.children, anchors)
    if span.kind != "link":
        return f"<{span.kind}>{inner}</{span.kind}>"
    if not _leads_somewhere(span.target, anchors):
        return inner
    return f'<a href="{html.escape(span.target)}">{inner}</a>'


def _span_markdown(span: Span, anchors: Collection[str]) -> str:
    if span.kind == "text":
        return escape_markdown(span.text)
    if span.kind == "code":
        fence = "`" * (1 + max((len(run) for run in re.findall("`+", span.text)), default=0))
        space = " " if "`" in span.text else ""
        return f"{fence}{space}{span.text}{space}{fence}".replace("|", "\\|")
    inner = line_markdown(span.children, anchors)
    if span.kind == "link":
        return f"[{inner}]({span.target})" if _leads_somewhere(span.target, anchors) else inner
    mark = "**" if span.kind == "strong" else "*"
    return f"{mark}{inner}{mark}"
