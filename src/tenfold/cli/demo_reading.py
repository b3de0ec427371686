"""The demo's last step: a page is written from test digits, read, and shown with what was read on it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenfold.data.dataset import Dataset
    from tenfold.report.document import Section

KEY = "reading"


def reading_section(test: Dataset, seed: int = 0) -> Section:
    """Return a section that shows a made page as it was read.

    Parameters
    ----------
    test : Dataset
        Its digits are written on lined paper.
    seed : int

    Returns
    -------
    section : Section
        The page annotated, and a table of its lines.
    """
    import cv2
    import numpy as np

    from tenfold.data.composites.pages import Look, make_page
    from tenfold.reading.annotate import annotate
    from tenfold.reading.reader import Reader
    from tenfold.report.document import Column, Figure, Section, Table, Text
    from tenfold.seeds import generator

    look = Look((620, 820), lines=4, height=44, digits=(5, 9), ground="ruled", light="gradient", skew=2.0)
    made = make_page(test, generator(seed, "demo", "page"), look)
    document = Reader().read(made.pixels)
    (page,) = document.pages
    drawn = annotate(made.pixels, page)
    _, packed = cv2.imencode(".png", np.ascontiguousarray(drawn[:, :, ::-1]))
    height, width = drawn.shape[:2]
    read = [line for line in page.lines if line.text]
    right = sum(line.text in made.lines for line in read)
    source = base64.b64encode(bytes(packed)).decode()
    figure = Figure(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{source}"/></svg>',
        "The page, each line and digit in a box with what it was read as; green is accepted, orange is for "
        "review.",
        "A made page of handwritten digits with boxes around each",
        key="page",
        png=bytes(packed),
    )
    table = Table(
        (
            Column("Line", "right"),
            Column("Read"),
            Column("Sure", "right", percent=True, digits=1, unit="%"),
            Column("Decision"),
        ),
        tuple(
            (number, line.text, line.confidence, line.decision.value) for number, line in enumerate(read, 1)
        ),
        caption=f"Written were {', '.join(made.lines)}.",
    )
    words = (
        f"Digits of {test.name} were written on lined paper, skewed and lit from one side, and read by the "
        f"networks that ship: {right} of {len(made.lines)} lines right. One page proves nothing; it shows "
        "what `tenfold read photo.jpg --annotate seen/` gives."
    )
    return Section("Reading a page", (Text(words), figure, table), key=KEY)
