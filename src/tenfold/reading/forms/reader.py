"""Reading forms: a page laid on its template, its cells read, its fields chosen under their constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import FormError
from tenfold.reading.forms.cells import Cell, cut
from tenfold.reading.forms.laying import Laid, lay
from tenfold.reading.forms.search import (
    BLANK,
    FILLED,
    Answer,
    Candidate,
    Cells,
    Source,
    answer,
    texts,
    weigh,
)
from tenfold.reading.forms.sums import CANDIDATES, Sum, choose, groups
from tenfold.reading.forms.template import Field, Rectangle, Template
from tenfold.reading.forms.toml import load_template
from tenfold.reading.forms.whole import read_whole
from tenfold.reading.networks import Networks
from tenfold.reading.pages import Limits, Picture
from tenfold.reading.reader import Reader
from tenfold.reading.result import Change, Decision, Digit, Line, Page, Reason

FLOOR = 1e-5
"""Probability that no digit falls short of, however sure the network is of another."""
FAINT, FAINTNESS = 0.015, 0.002
"""Ink (as `Cell.ink`) of a cell that is as likely blank as not, and how fast that changes."""
ALTERNATIVES = 5
"""How many other texts are told."""


class FormReader(Reader):
    """Reads forms of one template. Safe to share between threads.

    Parameters
    ----------
    template : Template, or path
        A path is that of a TOML file.
    model, error_rate, keep_images, limits
        As `tenfold.reading.reader.Reader` takes them.

    Examples
    --------
    >>> reader = FormReader("exam.toml")
    >>> {line.field: line.text for line in reader.read("scan.png").lines}       # doctest: +SKIP
    {'student': '20714463', 'q1': '7', 'q2': '12', 'total': '19'}
    """

    def __init__(
        self,
        template: Template | str | Path,
        model: str | Path | Networks | None = None,
        error_rate: float = 0.01,
        *,
        keep_images: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.template = template if isinstance(template, Template) else load_template(template)
        super().__init__(model, error_rate, keep_images=keep_images, limits=limits)

    def _page(self, picture: Picture) -> Page:
        """Return a page as `read_page` does, or one that tells why it cannot be read."""
        try:
            return self.read_page(picture)
        except FormError as error:
            height, width = picture.pixels.shape[:2]
            return Page(picture.page, width, height, error=str(error))

    def read_page(self, picture: Picture) -> Page:
        """Read one page: a line for each field, in the template's order.

        Raises
        ------
        FormError
            The page does not fit the template.
        """
        height, width = picture.pixels.shape[:2]
        laid = lay(self.template, picture)
        read = [self._read(item, laid) for item in self.template.fields]
        lines = self._chosen(read, laid)
        return Page(picture.page, width, height, laid.alignment.rotation, tuple(lines))

    def _read(self, item: Field, laid: Laid) -> _Read:
        framed, patch = laid.patch(item)
        if item.cells is None:
            box = framed.place(self.template.millimeters(item.box))
            whole = read_whole(patch, box, laid.ink.noise, self.networks)
            seen = [_Seen(framed.back(digit.box), digit.probabilities, digit.image) for digit in whole.digits]
            source = whole.source
        else:
            cells = self.template.cells(item)
            found = cut(patch, [framed.place(cell) for cell in cells], laid.ink.noise)
            network = self.networks.classifier.predict_proba(np.stack([cell.image for cell in found]))
            rows = [_row(cell, row) for cell, row in zip(found, network, strict=True)]
            seen = [
                _Seen(box, row[:BLANK], cell.image) for box, row, cell in zip(cells, rows, found, strict=True)
            ]
            source = Cells(np.stack(rows))
        return _Read(item, source, answer(source, item.constraints, item.blank), tuple(seen))

    def _chosen(self, read: list[_Read], laid: Laid) -> list[Line]:
        found = {item.field.name: item for item in read}
        # A blank, or what is no number, tells nothing of the others.
        sums = [item for item in self.template.sums if _can_be_checked(item, found)]
        for together in groups(sums):
            _add_up(found, together)
        return [self._field(found[item.name], laid) for item in self.template.fields]

    def _field(self, read: _Read, laid: Laid) -> Line:
        chosen, source = read.answer, read.source
        decision, reason = Decision.accept, None
        if chosen.broken:
            decision, reason = Decision.review, Reason.constraint
        elif 1 - chosen.confidence > self.error_rate:
            close = any(other.probability > 0.5 * chosen.confidence for other in chosen.alternatives)
            decision, reason = Decision.review, Reason.close if close else Reason.unsure
        if source.legible < 0.5:
            decision, reason = Decision.review, Reason.not_a_digit
        if read.is_blank and not read.field.blank:
            chosen = Answer("", source.blank, (Change(FILLED, ""),))
            decision, reason = Decision.review, Reason.blank
        return Line(
            chosen.text,
            chosen.confidence,
            decision,
            laid.box(read.field, self.template.millimeters(read.field.box)),
            self._digits(read, chosen.text, laid),
            reason,
            tuple((item.text, item.probability) for item in chosen.alternatives),
            read.field.name,
            chosen.changes,
        )

    def _digits(self, read: _Read, text: str, laid: Laid) -> tuple[Digit, ...]:
        """Return the digits of a text; none where it was read whole and has more or fewer than were seen."""
        seen = read.seen
        if isinstance(read.source, Cells) and text:
            first = read.source.place(text)
            seen = seen[first : first + len(text)]
        if len(seen) != len(text):
            return ()
        return tuple(
            Digit(
                value,
                float(each.probabilities[value]),
                laid.box(read.field, each.box),
                tuple(
                    (int(other), float(each.probabilities[other]))
                    for other in np.argsort(-each.probabilities, kind="stable")
                    if other != value
                ),
                each.image if self.keep_images else None,
            )
            for value, each in zip(map(int, text), seen, strict=True)
        )


@dataclass(frozen=True, eq=False)
class _Seen:
    """A digit, or a cell for one: its box in millimeters, probabilities (10,), and what the network saw."""

    box: Rectangle
    probabilities: NDArray[np.float64]
    image: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read of a field by itself."""

    field: Field
    source: Source
    answer: Answer
    seen: tuple[_Seen, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether nothing seems to be written."""
        return self.source.blank > 0.5


def _can_be_checked(item: Sum, found: dict[str, _Read]) -> bool:
    """Return whether a sum tells anything: no field is blank but parts that may be, none is read in doubt."""
    read = [found[name] for name in item.fields]
    filled = all(each.field.blank or not each.is_blank for each in read) and not found[item.total].is_blank
    return filled and all(each.source.legible >= 0.5 and not each.answer.broken for each in read)


def _add_up(found: dict[str, _Read], sums: list[Sum]) -> None:
    """Choose the fields of some sums together, in place."""
    names = list(dict.fromkeys(name for item in sums for name in item.fields))
    before = {name: found[name].answer.text for name in names}
    candidates = {name: _weighed(found[name]) for name in names}
    choice = choose(candidates, sums)
    for name in names:
        text = choice.texts[name]
        own = [item for item in sums if name in item.fields]
        if text != before[name]:
            named = [item for item in own if not item.holds(before)] or own
        else:
            named = [item for item in own if not item.holds(choice.texts)]
        changes = found[name].answer.changes + tuple(Change(item.label, before[name]) for item in named)
        confidence = choice.confidence[name]
        chosen = Answer(text, confidence, changes, _others(candidates[name], text, confidence))
        found[name] = replace(found[name], answer=chosen)


def _others(candidates: list[Candidate], text: str, confidence: float) -> tuple[Candidate, ...]:
    """Return the alternatives to a text, which share what it leaves, each as likely as by itself."""
    others = [item for item in candidates if item.text != text]
    share = min(1.0, (1 - confidence) / max(sum(item.probability for item in others), 1e-12))
    return tuple(Candidate(item.text, item.probability * share) for item in others[:ALTERNATIVES])


def _weighed(read: _Read) -> list[Candidate]:
    """Return what a field may hold, with probabilities that take its own constraints into account."""
    source, item = read.source, read.field
    allowed = source.mass(item.constraints, item.blank)
    total = weigh(allowed, source.legible)
    likely = texts(source, item.constraints, item.blank, CANDIDATES, (1 - 1e-7) * allowed)
    return [Candidate(candidate.text, candidate.probability / total) for candidate in likely]


def _row(cell: Cell, row: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probabilities (11,) of the ten digits and of a blank."""
    ink = cell.ink + 0.2 * cell.specks
    blank = 1 / (1 + np.exp(min((ink - FAINT) / FAINTNESS, 50.0)))
    blank = min(max(blank, FLOOR), 1 - 20 * FLOOR)
    digits = np.maximum(row[:10].astype(np.float64), FLOOR) * (1 - blank)
    found = np.append(digits, blank)
    return np.asarray(found / max(found.sum() + float(row[10]) * (1 - blank), 1.0), np.float64)
