"""How sure the reader may be: its probabilities and thresholds, fitted on made pages and strips.

The networks' own probabilities are right for what each sees alone. What a text that both agree on is worth,
or one that they differ on, is measured: pages and strips are made from held-out digits and read, and from
what turned out right a logistic regression is fitted for each kind of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.catalog import load
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.pages import make_page
from tenfold.data.composites.paper import Papers
from tenfold.data.composites.patches import make_patch
from tenfold.data.dataset import Dataset
from tenfold.data.splits import hold_out
from tenfold.reading.decide import KINDS, NOTHING, Judgment, log_odds
from tenfold.reading.networks import Networks
from tenfold.reading.pages import Picture
from tenfold.reading.reader import Reader
from tenfold.reading.readings import settle
from tenfold.seeds import generator

RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Error rates for which thresholds are kept."""

RIDGE = 2.0
"""How strongly the regression is held to the plain weights, which stand for so many lines each way."""


@dataclass(frozen=True)
class Line:
    """What became of a line that was read.

    Parameters
    ----------
    kind : str
    whole, single : float
        As in `tenfold.reading.readings.Settled`.
    right : bool
        Whether the text is what was written.
    """

    kind: str
    whole: float
    single: float
    right: bool


def fit_judgment(
    networks: Networks,
    digits: Dataset,
    seed: int = 0,
    *,
    pages: int = 300,
    strips: int = 1500,
    on_progress: Callable[[float], None] = lambda part: None,
) -> Judgment:
    """Fit how sure the networks' readings are.

    Parameters
    ----------
    networks : Networks
    digits : Dataset
        None of which the networks have learned from.
    seed : int
    pages, strips : int
        How many are made and read; half of their lines set the weights, the others the thresholds.
    on_progress : callable
        Is told which part is done.

    Returns
    -------
    judgment : Judgment
    """
    lines: list[Line] = []
    # A page takes about as long as ten strips.
    total = pages + strips / 10
    for number, read in enumerate(read_pages(networks, digits, seed, pages), 1):
        lines += read
        on_progress(number / total)
    for number, read in enumerate(read_strips(networks, digits, seed, strips), 1):
        lines += read
        on_progress((pages + number / 10) / total)
    order = generator(seed, "reader-decisions", "halves").permutation(len(lines))
    first, second = ([lines[place] for place in half] for half in np.array_split(order, 2))
    judgment = Judgment(
        {kind: fit_weights([line for line in first if line.kind == kind], kind) for kind in KINDS}
    )
    thresholds = fit_thresholds(judgment, second)
    protocol: dict[str, Any] = {"pages": pages, "strips": strips, "seed": seed, "lines": len(lines)}
    protocol["kinds"] = {
        kind: [
            sum(line.right for line in lines if line.kind == kind),
            sum(line.kind == kind for line in lines),
        ]
        for kind in KINDS
    }
    return replace(judgment, thresholds=thresholds, protocol=protocol)


def held_out() -> Dataset:
    """Return the training images of MNIST that the shipped networks have not learned from."""
    _, held = hold_out(load("mnist").train, 6000, 0)
    return held


def read_pages(networks: Networks, digits: Dataset, seed: int, count: int) -> Iterator[list[Line]]:
    """Make pages and read them; yield the lines of each."""
    rng = generator(seed, "reader-decisions", "pages")
    for _ in range(count):
        page = make_page(digits, rng)
        yield _read(networks, page.pixels, page.lines)


def read_strips(networks: Networks, digits: Dataset, seed: int, count: int) -> Iterator[list[Line]]:
    """Make strips and read them; yield the lines of each."""
    rng = generator(seed, "reader-decisions", "strips")
    glyphs = Glyphs(digits.images, digits.labels, draw_glyphs(500, rng))
    papers = Papers(60, rng)
    for _ in range(count):
        patch = make_patch(glyphs, papers, rng)
        yield _read(networks, patch.gray, [patch.text])


def _read(networks: Networks, pixels: NDArray[np.uint8], truth: Sequence[str]) -> list[Line]:
    _, layout, readings, page = Reader(networks).look(Picture(pixels))
    found = []
    for reading, line in zip(readings, page.lines, strict=True):
        settled = settle(reading, layout)
        # What is rejected for the words around it is no matter of its confidence.
        if settled.digits and (line.text or line.confidence < NOTHING):
            found.append(Line(settled.kind, settled.whole, settled.single, settled.text in truth))
    return found


def fit_weights(lines: Sequence[Line], kind: str) -> tuple[float, float, float]:
    """Return the weights of one kind of reading: logistic regression, held to the plain ones."""
    plain = np.array(Judgment().weights[kind])
    if not lines:
        return _three(plain)
    features = np.array([[1.0, log_odds(line.whole), log_odds(line.single)] for line in lines])
    right = np.array([line.right for line in lines], float)
    free = np.array([True, True, kind != "alone"])
    weights = plain.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (right - chance) - RIDGE * (weights - plain)
        bend = (features * (chance * (1 - chance))[:, None]).T @ features + RIDGE * np.eye(3)
        step = np.zeros(3)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        weights += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return _three(weights)


def fit_thresholds(judgment: Judgment, lines: Sequence[Line]) -> tuple[tuple[float, float], ...]:
    """Return from which confidence on lines are accepted at each of `RATES`.

    It is the lowest confidence such that the lines above it promise no larger share of wrong ones: the mean
    of one less their confidence.
    """
    sure = np.sort([judgment.confidence(line.kind, line.whole, line.single) for line in lines])[::-1]
    share = np.cumsum(1 - sure) / np.arange(1, len(sure) + 1)
    found = []
    for rate in RATES:
        fits = int(np.count_nonzero(share <= rate))
        found.append((rate, round(float(sure[fits - 1]) if fits else 1 - rate, 5)))
    return tuple(found)


def _three(weights: NDArray[Any]) -> tuple[float, float, float]:
    one, two, three = (round(float(weight), 4) for weight in weights)
    return one, two, three
