"""Every stage of reading a page as a picture, and what is unusual about it in words."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np

from tenfold.data.formats.files import atomic
from tenfold.data.pixels import Pixels
from tenfold.errors import DataError
from tenfold.reading.annotate import COLORS, annotate
from tenfold.reading.ink import Ink, resized
from tenfold.reading.layout import Layout
from tenfold.reading.readings import Reading
from tenfold.reading.result import Decision, Line, Page
from tenfold.reading.sharpness import is_soft, sharpness

WIDEST = 1100
"""Pixels of the longer side of a stage's picture at most."""

DIGITS = 60
"""How many digits are shown at most."""

SMALL, THIN, FAINT, DIM, GRAINY = 16.0, 1.1, 45.0, 80.0, 6.0
"""Below (or, of grain, above) which something is unusual: a digit's size in pixels, the pen's width in the
28x28, contrast and light and grain of 255."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of reading.

    Parameters
    ----------
    name : str
        Short, fit for a file's name.
    words : str
        What happens there, and what came out.
    pixels : (height, width) or (height, width, 3) uint8
    """

    name: str
    words: str
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Explanation:
    """How a page was read.

    Parameters
    ----------
    source : str
    page : Page
        What was read.
    stages : tuple of Stage
        In the order in which they happen.
    notes : tuple of str
        What is unusual about the page.
    """

    source: str
    page: Page
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]

    def to_html(self) -> str:
        """Return it as one HTML page that needs no network."""
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes) or "<li>Nothing unusual.</li>"
        parts = []
        for number, stage in enumerate(self.stages, 1):
            picture = base64.b64encode(_png(stage.pixels)).decode()
            height, width = stage.pixels.shape[:2]
            parts.append(
                f"<section><h2>{number}. {escape(stage.name)}</h2><p>{escape(stage.words)}</p>"
                f'<img alt="{escape(stage.name)}" width="{width}" height="{height}" '
                f'src="data:image/png;base64,{picture}"></section>'
            )
        title = escape(f"How {Path(self.source).name} was read")
        return _HTML.format(title=title, notes=notes, stages="\n".join(parts))

    def save(self, out: Path) -> list[Path]:
        """Write it to an ``.html`` file, or into a folder as one, with each stage as a PNG.

        Returns
        -------
        written : list of Path
            The HTML file first.

        Raises
        ------
        DataError
            Something cannot be written there, or would take the place of the picture itself.
        """
        page = out if out.suffix.lower() in (".html", ".htm") else out / "index.html"
        contents = {page: self.to_html().encode()}
        if page is not out:
            for number, stage in enumerate(self.stages, 1):
                name = f"{number}-{stage.name.lower().replace(' ', '-')}.png"
                contents[out / name] = _png(stage.pixels)
        for path in contents:
            if path.exists() and Path(self.source).exists() and path.samefile(self.source):
                raise DataError(f"{path} is explained, and would be written over. Choose another place.")
        for path, content in contents.items():
            try:
                with atomic(path) as file:
                    file.write(content)
            except OSError as error:
                raise DataError(
                    f"{path} cannot be written: {error.strerror or error}. Choose another place."
                ) from None
        return list(contents)


def explain(
    source: str, pixels: Pixels, ink: Ink, layout: Layout, readings: Sequence[Reading], page: Page
) -> Explanation:
    """Return how a page was read, from what the reader made of it on its way.

    Parameters
    ----------
    source : str
    pixels : (height, width) or (height, width, 3) uint8
        The page as given.
    ink, layout, readings, page
        What each step of `tenfold.reading.reader.Reader.read_page` gave.
    """
    upright = layout.view.upright
    masked = np.where(upright(ink.mask)[:, :, None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    masked[upright(ink.rules)] = (220, 60, 60)
    polarity = (
        "light ink on dark paper, so that it is inverted" if ink.inverted else "dark ink on light paper"
    )
    turned = f"turned by {page.rotation} degrees" if page.rotation else "upright"
    pieces = sum(len(row.members) for row in layout.rows)
    stages = [
        Stage("Picture", f"As given: {page.width} x {page.height} pixels.", _fitted(pixels)),
        Stage(
            "Ink channel",
            f"The {ink.channel} channel shows the ink best; {polarity}. The page is {turned}.",
            _fitted(layout.gray),
        ),
        Stage(
            "Flattened light",
            f"Light and shadow divided out; the paper's grain is {ink.noise:.1f} of 255.",
            _fitted(255 - layout.contrast),
        ),
        Stage(
            "Ink",
            "What is darker than the paper around it by more than its grain. Rules and edges, in red, are "
            "left out.",
            _fitted(masked),
        ),
        Stage(
            "Lines",
            f"{len(layout.rows)} lines of {pieces} pieces; a typical one is {layout.size:.0f} pixels long.",
            _fitted(_lines(layout)),
        ),
    ]
    shown = [line for line in page.lines if any(digit.image is not None for digit in line.digits)]
    if shown:
        stages.append(
            Stage(
                "Digits",
                "Each digit as the network sees it, 28x28, with the three most probable values.",
                _digits(shown),
            )
        )
    stages.append(Stage("Result", "What was read, and what to do with it.", _fitted(annotate(pixels, page))))
    return Explanation(source, page, tuple(stages), tuple(_notes(ink, layout, page)))


def _notes(ink: Ink, layout: Layout, page: Page) -> list[str]:
    """Return what is unusual about a page, in words."""
    notes = []
    digits = [digit for line in page.lines for digit in line.digits]
    if not layout.rows:
        return ["Nothing stands out from the paper as writing does: the page is taken to be blank."]
    if ink.inverted:
        notes.append("Colors are inverted: light ink on dark paper.")
    if page.rotation:
        notes.append(f"The page is turned by {page.rotation} degrees.")
    slopes = [np.degrees(np.arctan(row.slope)) for row in layout.rows]
    if max(map(abs, slopes)) > 3:
        notes.append(f"Lines are skewed, by up to {max(map(abs, slopes)):.0f} degrees.")
    if ink.channel != "gray":
        notes.append(f"The ink shows best in the {ink.channel} channel.")
    if ink.rules.mean() > 0.002:
        notes.append("Rules or edges were taken away; a stroke that ran along one may be gone with it.")
    light = float(np.median(layout.gray))
    if light < DIM:
        notes.append(f"The page is dim: its paper is at {light:.0f} of 255.")
    if ink.noise > GRAINY:
        notes.append(f"The paper is grainy ({ink.noise:.0f} of 255); fine strokes may be lost in it.")
    members = [member for row in layout.rows for member in row.members]
    depth = float(np.median(layout.blobs.mean(layout.contrast)[members]))
    if depth < FAINT:
        notes.append(f"The ink is faint: it differs from the paper by {depth:.0f} of 255.")
    if layout.size / layout.view.scale < SMALL:
        notes.append(f"Digits are small: about {layout.size / layout.view.scale:.0f} pixels.")
    if is_soft(sharpness(layout.contrast, layout.blobs.labels > 0), layout.size):
        notes.append("The writing is blurred: its edges are soft.")
    images = [digit.image for digit in digits if digit.image is not None]
    if images:
        width = float(np.median([stroke_width(image) for image in images]))
        if width < THIN:
            notes.append(f"The ink is thin: about {width:.1f} pixels in the 28x28, where MNIST's is 2 to 3.")
    if len(digits) == 1 and len(layout.rows) == 1:
        left, top, wide, tall = digits[0].box
        off = max(
            abs(left + wide / 2 - page.width / 2) / page.width,
            abs(top + tall / 2 - page.height / 2) / page.height,
        )
        if off > 0.15:
            notes.append("The digit is not centered; it was found and centered before it was read.")
    odd = [digit for digit in digits if digit.confidence + sum(p for _, p in digit.alternatives) < 0.9]
    if odd:
        notes.append(f"Far from the training data: {len(odd)} of {len(digits)} may be no digits at all.")
    for line in page.lines:
        if line.decision is not Decision.accept and line.reason is not None:
            what = f"{line.text!r}" if line.text else "A line"
            close = f", or {line.alternatives[0][0] or 'nothing'}" if line.alternatives and line.text else ""
            notes.append(
                f"{what}{close}: {line.decision.value}, {line.reason.value} ({line.confidence:.0%} sure)."
            )
    return notes


def stroke_width(image: Pixels) -> float:
    """Return about how wide the strokes of an image (28, 28) are, in pixels: twice its ink by its outline."""
    ink = image.astype(np.float32) / 255
    outline = float(np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum())
    # A slanted outline is counted along both axes: by a factor 4/pi on average.
    return float(2 * ink.sum() / max(outline * np.pi / 4, 1e-6))


def _lines(layout: Layout) -> Pixels:
    drawn = np.ascontiguousarray((255 - layout.contrast)[:, :, None].repeat(3, axis=2))
    blobs = layout.blobs
    for row in layout.rows:
        places = []
        for member in row.members:
            left, top = int(blobs.left[member]), int(blobs.top[member])
            right, bottom = left + int(blobs.width[member]), top + int(blobs.height[member])
            cv2.rectangle(drawn, (left, top), (right, bottom), (90, 140, 220), 1)
            places.append(((left + right) // 2, (top + bottom) // 2))
        for one, other in itertools.pairwise(places):
            cv2.line(drawn, one, other, (220, 120, 40), 1, cv2.LINE_AA)
    return drawn


def _digits(lines: Sequence[Line]) -> Pixels:
    """Return the 28x28 of digits, a row for each line, their probabilities beside them."""
    side, wide, tall = 84, 190, 100
    seen = ((digit, digit.image) for line in lines for digit in line.digits)
    shown = [(digit, image) for digit, image in seen if image is not None][:DIGITS]
    columns = min(5, len(shown))
    rows = -(-len(shown) // columns)
    canvas = np.full((rows * tall, columns * wide, 3), 255, np.uint8)
    for place, (digit, image) in enumerate(shown):
        top, left = place // columns * tall, place % columns * wide
        enlarged = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_NEAREST))
        canvas[top + 4 : top + 4 + side, left + 4 : left + 4 + side] = enlarged[:, :, None]
        chances = [(digit.value, digit.confidence), *digit.alternatives[:2]]
        for line, (value, chance) in enumerate(chances):
            x, y = left + side + 10, top + 18 + 28 * line
            cv2.putText(
                canvas, f"{value} {chance:.1%}", (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1
            )
            end = x + max(1, round(80 * chance))
            cv2.rectangle(canvas, (x, y + 4), (end, y + 9), COLORS[Decision.accept], -1)
    return canvas


def _fitted(pixels: Pixels) -> Pixels:
    scale = WIDEST / max(pixels.shape[:2])
    return pixels if scale >= 1 else resized(pixels, scale)


def _png(pixels: Pixels) -> bytes:
    shown = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels
    _, packed = cv2.imencode(".png", np.ascontiguousarray(shown))
    return bytes(packed)


_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ max-width: 100%; height: auto; border: 1px solid #8888; background: #fff; }}
h2 {{ margin: 2rem 0 0; }}
p {{ margin: 0.2rem 0 0.6rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul>{notes}</ul>
{stages}
</body>
</html>
"""
