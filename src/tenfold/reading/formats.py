"""Documents as text, JSON, JSONL, CSV and hOCR, written one after another as they come.

JSON, JSONL and hOCR are in ASCII, with escapes for other letters, so that any file or terminal can hold
them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from html import escape
from typing import IO, Any

from tenfold.errors import UnknownNameError
from tenfold.reading.result import Box, Decision, Document, Line, Page

COLUMNS = (
    "document",
    "source",
    "page",
    "line",
    "text",
    "confidence",
    "decision",
    "reason",
    "left",
    "top",
    "width",
    "height",
    "field",
    "changes",
    "error",
)
"""Of the CSV; a row is a line or field. A page without lines and a document with an error have a row each."""


class Format:
    """A way to write documents: what comes first, each document, what comes last.

    Parameters
    ----------
    document : callable
        Gives the text of a document and its number, from 0.
    head, tail : str
    """

    def __init__(self, document: Callable[[Document, int], str], head: str = "", tail: str = "") -> None:
        self.head = head
        self.document = document
        self.tail = tail


def get_format(name: str, *, several: bool = True) -> Format:
    """Return a format by its name.

    Parameters
    ----------
    name : str
        "text", "json", "jsonl", "csv" or "hocr".
    several : bool
        Whether there may be more than one document: JSON is then a list of them, and text names the source
        before each line.

    Raises
    ------
    UnknownNameError
    """
    formats = {
        "text": Format(_named_text if several else _text),
        "json": Format(_json_item, "[", "\n]\n") if several else Format(_json),
        "jsonl": Format(_jsonl),
        "csv": Format(_csv, ",".join(COLUMNS) + "\n"),
        "hocr": Format(_hocr, _HOCR_HEAD, "</body>\n</html>\n"),
    }
    if name not in formats:
        raise UnknownNameError("format", name, formats)
    return formats[name]


def write(documents: Iterable[Document], name: str, file: IO[str], *, several: bool = True) -> None:
    """Write documents to a text file in a format given by its name; see `get_format`."""
    form = get_format(name, several=several)
    file.write(form.head)
    for number, document in enumerate(documents):
        file.write(form.document(document, number))
    file.write(form.tail)


def _text(document: Document, number: int) -> str:
    return document.text + "\n" if document.text else ""


def _named_text(document: Document, number: int) -> str:
    return "".join(f"{document.source}: {text}\n" for text in document.text.splitlines())


def _json(document: Document, number: int) -> str:
    return json.dumps(document.to_dict(), indent=2) + "\n"


def _json_item(document: Document, number: int) -> str:
    comma = "," if number else ""
    return f"{comma}\n{json.dumps(document.to_dict())}"


def _jsonl(document: Document, number: int) -> str:
    return json.dumps(document.to_dict()) + "\n"


def _csv(document: Document, number: int) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    first: dict[str, Any] = {"document": number + 1, "source": document.source}
    if not document.pages:
        writer.writerow(first | {"error": document.error or ""})
    for page in document.pages:
        if not page.lines:
            writer.writerow(first | {"page": page.page, "error": page.error or ""})
        for place, line in enumerate(page.lines, 1):
            writer.writerow(first | {"page": page.page, "line": place} | _cells(line))
    return file.getvalue()


def _cells(line: Line) -> dict[str, Any]:
    left, top, width, height = line.box
    return {
        "text": line.text,
        "confidence": f"{line.confidence:.4f}",
        "decision": line.decision.value,
        "reason": "" if line.reason is None else line.reason.value,
        "left": left,
        "top": top,
        "width": width,
        "height": height,
        "field": line.field or "",
        "changes": _changes(line),
    }


def _changes(line: Line) -> str:
    """Return the constraints that changed a field, with what it was else, or those that it breaks."""
    told = []
    for item in line.changes:
        otherwise = f"else {item.without or 'blank'}"
        told.append(f"{item.constraint} ({'broken' if item.without == line.text else otherwise})")
    return "; ".join(told)


_HOCR_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head>
<title>Digits read by Tenfold</title>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8" />
<meta name="ocr-system" content="tenfold" />
<meta name="ocr-capabilities" content="ocr_page ocr_line ocrx_word ocrx_cinfo" />
</head>
<body>
"""


def _hocr(document: Document, number: int) -> str:
    parts = [_hocr_page(document, page, f"{number + 1}_{page.page}") for page in document.pages]
    if document.error is not None:
        parts.append(f"<p>{_xml(document.error)}</p>\n")
    return "".join(parts)


def _hocr_page(document: Document, page: Page, key: str) -> str:
    title = f"image {_quoted(document.source)}; bbox 0 0 {page.width} {page.height}; ppageno {page.page - 1}"
    kept = [line for line in page.lines if line.decision is not Decision.reject]
    lines = "".join(_hocr_line(line, f"{key}_{place}") for place, line in enumerate(kept, 1))
    return f'<div class="ocr_page" id="page_{key}" title="{title}">\n{lines}</div>\n'


def _hocr_line(line: Line, key: str) -> str:
    # hOCR has no word for the decision, so that it goes into a class of our own.
    digits = "".join(
        f'<span class="ocrx_cinfo" title="x_bboxes {_corners(digit.box)}; '
        f'x_confs {100 * digit.confidence:.0f}">{digit.value}</span>'
        for digit in line.digits
    )
    # Of a field read whole a text with more or fewer digits than were seen has none of them.
    word = (
        f'<span class="ocrx_word" id="word_{key}" '
        f'title="bbox {_corners(line.box)}; x_wconf {100 * line.confidence:.0f}">{digits or line.text}</span>'
    )
    title = f"bbox {_corners(line.box)}"
    # What hOCR has no property for begins with x_.
    own = {"x_field": line.field or "", "x_changes": _changes(line)}
    title += "".join(f"; {key} {_quoted(text)}" for key, text in own.items() if text)
    return (
        f'<p><span class="ocr_line {line.decision.value}" id="line_{key}" title="{title}">{word}</span></p>\n'
    )


def _corners(box: Box) -> str:
    left, top, width, height = box
    return f"{left} {top} {left + width} {top + height}"


def _quoted(text: str) -> str:
    """Return text as a property of hOCR holds it: in quotes, with none in it."""
    return f"&quot;{_xml(text.replace(chr(34), chr(39)))}&quot;"


def _xml(text: str) -> str:
    """Return text as XML may hold it in any encoding: escaped, without control characters."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return escape(shown).encode("ascii", "xmlcharrefreplace").decode()
