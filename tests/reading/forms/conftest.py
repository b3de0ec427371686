"""A form to try things on, written with ten clear digits that a nearest neighbor tells apart."""

from __future__ import annotations

import numpy as np
import pytest

from tenfold.data.normalize import center, crop, fit
from tenfold.reading.forms import Field, FormReader, Template
from tenfold.reading.forms.made import print_form, write
from tenfold.reading.forms.sums import Sum
from tenfold.reading.networks import Networks

EXAM = Template(
    size=(148.0, 210.0),
    unit="mm",
    fields=(
        Field("student", (40, 30, 72, 9), cells=8),
        Field("q1", (100, 80, 16, 8), cells=2, range=(0, 20), blank=True),
        Field("q2", (100, 92, 16, 8), cells=2, range=(0, 20), blank=True),
        Field("total", (92, 104, 24, 8), cells=3),
    ),
    sums=(Sum(("q1", "q2"), "total"),),
    rules=((15, 22, 130, 22), (15, 50, 130, 50)),
    name="exam",
)


class Nearest:
    """The digit whose glyph is nearest; none where no glyph is near."""

    def __init__(self, glyphs):
        self.bank = np.stack([center(fit(crop(glyph.astype(np.float32)))) for glyph in glyphs]).astype(float)

    def predict_proba(self, images):
        away = ((images[:, None].astype(float) - self.bank[None]) ** 2).mean(axis=(2, 3)) / 300
        scores = np.concatenate([-away, np.full((len(images), 1), -20.0)], axis=1)
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def glyphs(mnist):
    """One clear picture of each digit: that nearest to the mean of its class."""
    chosen = []
    for digit in range(10):
        own = mnist.test.images[mnist.test.labels == digit]
        chosen.append(own[((own - own.mean(axis=0)) ** 2).mean(axis=(1, 2)).argmin()])
    return chosen


@pytest.fixture(scope="session")
def networks(glyphs):
    return Networks(Nearest(glyphs))


@pytest.fixture
def exam():
    return EXAM


@pytest.fixture
def filled(glyphs):
    """Return a function that prints a form and writes texts into its fields; a space leaves a cell empty."""

    def fill(template, texts, dpi=130, ink=50, line=0.35, lines=40, wander=0.04, seed=0):
        rng = np.random.default_rng(seed)
        page = print_form(template, dpi=dpi, line=line, ink=lines)
        for name, text in texts.items():
            drawn = [None if symbol == " " else glyphs[int(symbol)] for symbol in text]
            write(page, template, name, drawn, rng, ink=ink, wander=wander)
        return page

    return fill


@pytest.fixture
def reader(exam, networks):
    return FormReader(exam, networks, error_rate=0.05)
