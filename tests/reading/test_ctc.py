import itertools

import numpy as np
import pytest

from tenfold.reading.ctc import BLANK, Reading, agree, align, likelihoods, search


def answer(columns: int, seed: int, sharp: float = 1.0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(0, sharp, (columns, 11))
    return (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).astype(np.float32)


def spelled(path: tuple[int, ...]) -> str:
    return "".join(str(c) for c, _ in itertools.groupby(path) if c != BLANK)


def every_text(log_probabilities: np.ndarray) -> dict[str, float]:
    """The probability of every text, by writing out every path over three classes."""
    chances = np.exp(log_probabilities.astype(np.float64))
    texts: dict[str, float] = {}
    for path in itertools.product((3, 7, BLANK), repeat=len(chances)):
        text = spelled(path)
        texts[text] = texts.get(text, 0.0) + float(np.prod(chances[np.arange(len(path)), list(path)]))
    return texts


def only(columns: int, seed: int) -> np.ndarray:
    """An answer in which nothing but 3, 7 and the blank is possible."""
    kept = answer(columns, seed, sharp=2.0)
    kept[:, [c for c in range(10) if c not in (3, 7)]] = -np.inf
    return (kept - np.log(np.exp(kept).sum(axis=1, keepdims=True))).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_search_and_likelihood_agree_with_writing_out_every_path(seed: int) -> None:
    columns = only(6, seed)
    truth = every_text(columns)
    readings = search(columns, beam=200, faint=0)
    best = max(truth, key=truth.__getitem__)
    assert readings[0].text == best
    for reading in readings[:10]:
        assert reading.probability == pytest.approx(truth[reading.text], rel=1e-5)
        assert np.exp(likelihoods(columns, [reading.text])[0]) == pytest.approx(truth[reading.text], rel=1e-5)


def test_a_digit_twice_needs_a_blank_between() -> None:
    columns = np.full((3, 11), -np.inf, np.float32)
    columns[[0, 1, 2], [5, 5, 5]] = 0
    assert search(columns)[0] == Reading("5", 1.0)
    columns[1] = -np.inf
    columns[1, BLANK] = 0
    assert search(columns)[0] == Reading("55", 1.0)


def test_nothing_but_blanks_reads_as_nothing() -> None:
    columns = np.full((4, 11), np.log(1e-4 / 10), np.float32)
    columns[:, BLANK] = np.log1p(-1e-4)
    assert search(columns)[0].text == ""
    assert align(columns, "") == []


def test_a_narrow_beam_finds_what_a_wide_one_finds() -> None:
    for seed in range(10):
        columns = answer(20, seed, sharp=6.0)
        assert search(columns)[0].text == search(columns, beam=300, faint=0)[0].text


@pytest.mark.parametrize("seed", range(5))
def test_alignment_is_the_likeliest_path(seed: int) -> None:
    columns = only(6, seed)
    text = "737"
    paths = [p for p in itertools.product((3, 7, BLANK), repeat=6) if spelled(p) == text]
    best = max(paths, key=lambda path: columns[np.arange(6), list(path)].sum())
    runs = [(c, len(list(group))) for c, group in itertools.groupby(best)]
    places = align(columns, text)
    at = 0
    expected = []
    for c, length in runs:
        if c != BLANK:
            expected.append((at, at + length))
        at += length
    for place, (start, stop) in zip(places, expected, strict=True):
        assert start < place.column < stop
        assert place.left < place.column < place.right
        assert place.probabilities.sum() == pytest.approx(1)
    assert places[0].left == 0
    assert places[-1].right == 6


def test_two_answers_are_averaged_text_by_text() -> None:
    sure, torn = only(6, 0), only(5, 1)
    joined = agree([search(sure, 200, 0), search(torn, 200, 0)], [sure, torn])
    for reading in joined:
        mean = (
            np.exp(likelihoods(sure, [reading.text])[0]) + np.exp(likelihoods(torn, [reading.text])[0])
        ) / 2
        assert reading.probability == pytest.approx(mean, rel=1e-4)
    assert [r.probability for r in joined] == sorted((r.probability for r in joined), reverse=True)
