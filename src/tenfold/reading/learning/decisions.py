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
from tenfold.data.composites import nondigits
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.pages import draw_look, make_page
from tenfold.data.composites.paper import Papers
from tenfold.data.dataset import Dataset
from tenfold.data.splits import hold_out
from tenfold.reading.decide import KINDS, SCENES, Evidence, Judgment, least
from tenfold.reading.learning.legible import legible, make_legible
from tenfold.reading.networks import Networks
from tenfold.reading.pages import Picture
from tenfold.reading.reader import Reader
from tenfold.reading.readings import settle
from tenfold.seeds import generator

RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Error rates for which thresholds are kept."""

SUREST = 0.05
"""Share of wrong lines that the surest ones promise, on which the promise is put to the test."""

Thresholds = tuple[tuple[float, float], ...]
Judged = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Confidence of lines, and whether they are right."""

NONE, OTHERS, INKED = 0.2, 500, 100
"""Of the pictures of one digit, the part that is none; how many such are made, and their least darkness."""

RIDGE = 2.0
"""How strongly the regression is held to the plain weights, which stand for so many lines each way."""


@dataclass(frozen=True)
class Line:
    """What became of a line that was read.

    Parameters
    ----------
    evidence : Evidence
    right : bool
        Whether the text is what was written.
    """

    evidence: Evidence
    right: bool


def fit_judgment(
    networks: Networks,
    digits: Dataset,
    seed: int = 0,
    *,
    pages: int = 500,
    strips: int = 2500,
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
        How many are made and read; as many pictures of one digit as strips.
    on_progress : callable
        Is told which part is done.

    Returns
    -------
    judgment : Judgment
    """
    # A page takes about as long as ten strips, or pictures of one digit.
    total = pages + strips / 5
    scenes: dict[str, list[Line]] = {scene: [] for scene in SCENES}
    for number, read in enumerate(read_pages(networks, digits, seed, pages), 1):
        scenes["page"] += read
        on_progress(number / total)
    for number, read in enumerate(read_digits(networks, digits, seed, strips), 1):
        scenes["digit"] += read
        on_progress((pages + number / 10) / total)
    for number, read in enumerate(read_strips(networks, digits, seed, strips), 1):
        scenes["strip"] += read
        on_progress((pages + (strips + number) / 10) / total)
    every = [line for lines in scenes.values() for line in lines]
    judgment = Judgment({kind: fit_weights(every, kind) for kind in KINDS})
    # Thresholds are set by lines that the weights were not fitted on: one half's by those of the other.
    judged: dict[str, Judged] = {}
    for scene, lines in scenes.items():
        order = generator(seed, "reader-decisions", scene).permutation(len(lines))
        halves = [[lines[place] for place in half] for half in np.array_split(order, 2)]
        others = [line for other, several in scenes.items() if other != scene for line in several]
        sure = []
        for own, rest in (halves, halves[::-1]):
            apart = Judgment({kind: fit_weights([*rest, *others], kind) for kind in KINDS})
            sure += [apart.confidence(line.evidence) for line in own]
        judged[scene] = np.array(sure), np.array([line.right for half in halves for line in half], bool)
    thresholds = {scene: fit_thresholds(*found) for scene, found in judged.items()}
    protocol: dict[str, Any] = {"pages": pages, "strips": strips, "seed": seed, "lines": len(every)}
    protocol["kinds"] = {}
    for kind in KINDS:
        right = [line.right for line in every if line.evidence.kind == kind]
        protocol["kinds"][kind] = {"right": sum(right), "lines": len(right)}
    protocol["held out"] = {scene: _held(thresholds[scene], *judged[scene]) for scene in SCENES}
    return replace(judgment, thresholds=thresholds, protocol=protocol)


def _held(thresholds: Thresholds, sure: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Return how many lines are accepted at each rate, and how many of them are wrong."""
    found: dict[str, Any] = {"lines": len(sure), "right": int(right.sum())}
    for rate, level in thresholds:
        accepted = sure >= level
        found[f"{rate}"] = {"accepted": int(accepted.sum()), "wrong": int((accepted & ~right).sum())}
    return found


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
    digits = legible(digits, networks.classifier)
    glyphs = Glyphs(digits.images, digits.labels, draw_glyphs(500, rng))
    papers = Papers(60, rng)
    for _ in range(count):
        patch = make_legible(glyphs, papers, networks.classifier, rng)
        yield _read(networks, patch.gray, [patch.text])


def read_digits(networks: Networks, digits: Dataset, seed: int, count: int) -> Iterator[list[Line]]:
    """Make pictures that one digit fills, and some that what is none fills; yield the lines of each."""
    rng = generator(seed, "reader-decisions", "digits")
    images, _ = nondigits.make(OTHERS, rng, digits.images)
    images = images[images.max(axis=(1, 2)) > INKED]
    others = Dataset(images, np.arange(len(images)) % 10)
    for _ in range(count):
        look = draw_look(rng)
        size = round(2.4 * look.height), round(rng.uniform(1.9, 3) * look.height)
        look = replace(look, size=size, lines=1, digits=(1, 1), words=0, skew=0.0, turns=0, ground="plain")
        none = rng.random() < NONE
        page = make_page(others if none else digits, rng, replace(look, border=False))
        lines = _read(networks, page.pixels, () if none else page.lines)
        yield [line for line in lines if line.evidence.kind == "only"]


def _read(networks: Networks, pixels: NDArray[np.uint8], truth: Sequence[str]) -> list[Line]:
    _, layout, readings, page = Reader(networks).look(Picture(pixels))
    found = []
    for reading, line in zip(readings, page.lines, strict=True):
        settled = settle(reading, layout)
        # What is rejected for the words around it is no matter of its confidence.
        if settled.digits and (
            line.text or line.confidence < least(len(settled.digits), single=reading.single)
        ):
            found.append(Line(settled.evidence, settled.text in truth))
    return found


def fit_weights(lines: Sequence[Line], kind: str) -> tuple[float, ...]:
    """Return the weights of one kind of reading: logistic regression, held to the plain ones.

    Parameters
    ----------
    lines : sequence of Line
        Of any kind; those of another are left out.
    kind : str
        One of `KINDS`.
    """
    plain = np.array(Judgment().weights[kind])
    own = [line for line in lines if line.evidence.kind == kind]
    if not own:
        return tuple(map(float, plain))
    features = np.stack([line.evidence.features for line in own])
    right = np.array([line.right for line in own], float)

    def loss(weights: NDArray[np.float64]) -> float:
        odds = features @ weights
        away = float(((weights - plain) ** 2).sum())
        return float((np.logaddexp(0, odds) - right * odds).sum()) + RIDGE / 2 * away

    weights = plain.copy()
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (right - chance) - RIDGE * (weights - plain)
        bend = (features * (chance * (1 - chance))[:, None]).T @ features + RIDGE * np.eye(len(plain))
        step = np.linalg.solve(bend, slope)
        # Newton's step goes too far where the curve is flat; half of it, or half of that, does not.
        before = loss(weights)
        while loss(weights + step) > before and np.abs(step).max() > 1e-8:
            step /= 2
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return tuple(round(float(weight), 4) for weight in weights)


def fit_thresholds(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Thresholds:
    """Return from which confidence on lines are accepted at each of `RATES`.

    It is the lowest confidence such that the lines above it promise no larger share of wrong ones: the mean
    of one less their confidence, times how much more often the surest lines are wrong than they promise. That
    is measured on more lines than one rate accepts, for of those a handful at most is wrong.

    Parameters
    ----------
    sure : (n,) float64
        Confidence of each line.
    right : (n,) bool
    """
    order = np.argsort(-sure, kind="stable")
    numbers = np.arange(1, len(sure) + 1)
    promised = np.cumsum(1 - sure[order])
    surest = int(np.count_nonzero(promised <= SUREST * numbers))
    short = np.count_nonzero(~right[order[:surest]]) / max(promised[surest - 1], 1.0) if surest else 1.0
    share = promised * max(short, 1.0) / numbers
    found = []
    for rate in RATES:
        fits = int(numbers[share <= rate].max(initial=0))
        found.append((rate, round(float(sure[order[fits - 1]]) if fits else 1 - rate, 5)))
    return tuple(found)
