"""What a plain text cannot hold: which lines are for review, and what constraints changed, in words."""

from __future__ import annotations

from collections.abc import Iterator

from tenfold.reading.result import Decision, Document, Line


def doubts(document: Document) -> Iterator[str]:
    """Yield a sentence for each line of `Document.text` that is not to be taken as it stands.

    Lines are numbered as the text gives them, page by page. Of a form they are called by their fields.
    """
    for page in document.pages:
        place = f"page {page.page}, " if len(document.pages) > 1 else ""
        shown = [line for line in page.lines if line.decision is not Decision.reject]
        for number, line in enumerate(shown, 1):
            if said := " and ".join(_said(line)):
                called = f"line {number}" if line.field is None else f"field {line.field}"
                text = f", {line.text}," if line.text else ""
                yield f"{document.source}: {place}{called}{text} {said}"


def _said(line: Line) -> Iterator[str]:
    if line.decision is Decision.review:
        reason = "" if line.reason is None else f": {line.reason.value}"
        yield f"is for review{reason} (confidence {line.confidence:.2f})"
    for change in line.changes:
        if change.without == line.text:
            yield f"breaks {change.constraint}"
        else:
            yield f"is chosen by {change.constraint} (else {change.without or 'blank'})"
