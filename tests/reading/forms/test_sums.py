"""Fields that must add up, against trying every combination."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.reading.forms.search import DOUBT, Candidate
from tenfold.reading.forms.sums import Sum, choose, groups


def candidates(rng, values):
    weights = rng.dirichlet(np.full(len(values) + 1, 0.5))[: len(values)]
    found = [Candidate(str(value), float(weight)) for value, weight in zip(values, weights, strict=True)]
    return sorted(found, key=lambda item: -item.probability)


def combinations(fields, sums):
    for items in itertools.product(*fields.values()):
        texts = {name: item.text for name, item in zip(fields, items, strict=True)}
        yield texts, math.prod(item.probability for item in items), all(item.holds(texts) for item in sums)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_the_choice_is_the_best_of_all_combinations(seed):
    rng = np.random.default_rng(seed)
    fields = {name: candidates(rng, range(4)) for name in ("a", "b", "c")}
    fields |= {"ab": candidates(rng, range(6)), "abc": candidates(rng, range(9))}
    sums = [Sum(("a", "b"), "ab"), Sum(("ab", "c"), "abc")]
    every = list(combinations(fields, sums))
    holding = [(mass, texts) for texts, mass, holds in every if holds]
    written = max(((mass, texts) for texts, mass, _ in every), key=lambda pair: pair[0])
    likeliest, texts = max(holding, key=lambda pair: pair[0])

    assert choose(fields, sums).texts == (texts if likeliest >= DOUBT * written[0] else written[1])


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_a_confidence_is_that_of_the_field_given_the_others(seed):
    rng = np.random.default_rng(seed)
    fields = {"a": candidates(rng, range(4)), "b": candidates(rng, range(4)), "c": candidates(rng, range(7))}
    sums = [Sum(("a", "b"), "c")]
    found = choose(fields, sums)
    weights = dict.fromkeys(fields, 0.0)
    total = 0.0
    # What a field holds else is one more candidate, of which no sum says anything.
    more = {
        name: [*items, Candidate("?", 1 - sum(item.probability for item in items))]
        for name, items in fields.items()
    }
    for items in itertools.product(*more.values()):
        texts = {name: item.text for name, item in zip(more, items, strict=True)}
        mass = math.prod(item.probability for item in items)
        weight = mass if "?" in texts.values() or sums[0].holds(texts) else DOUBT * mass
        total += weight
        for name in fields:
            weights[name] += weight * (texts[name] == found.texts[name])

    assert found.confidence == pytest.approx({name: weight / total for name, weight in weights.items()})


def test_a_doubtful_part_is_settled_by_a_sure_total():
    fields = {
        "q1": [Candidate("7", 0.6), Candidate("1", 0.39)],
        "q2": [Candidate("5", 0.99)],
        "total": [Candidate("6", 0.98), Candidate("12", 0.01)],
    }
    found = choose(fields, [Sum(("q1", "q2"), "total")])

    assert found.texts == {"q1": "1", "q2": "5", "total": "6"}
    assert found.confidence["q1"] > 0.9


def test_a_blank_counts_nothing():
    assert Sum(("a", "b"), "c").holds({"a": "", "b": "4", "c": "04"})


def test_fields_that_cannot_add_up_stay_as_they_are():
    fields = {"a": [Candidate("1", 0.9)], "b": [Candidate("2", 0.8)]}

    assert choose(fields, [Sum(("a",), "b")]).texts == {"a": "1", "b": "2"}


def test_clear_parts_and_a_clear_total_that_do_not_add_up_stay_as_they_are():
    fields = {
        "q1": [Candidate("7", 0.99), Candidate("1", 0.002)],
        "q2": [Candidate("5", 0.99), Candidate("6", 0.002)],
        "total": [Candidate("13", 0.98), Candidate("12", 0.001)],
    }

    assert choose(fields, [Sum(("q1", "q2"), "total")]).texts == {"q1": "7", "q2": "5", "total": "13"}


def test_sums_that_share_a_field_go_together():
    one, two, three = Sum(("a", "b"), "c"), Sum(("d",), "e"), Sum(("c", "f"), "g")

    assert sorted(map(len, groups([one, two, three]))) == [1, 2]
    assert len(groups([one, two, three, Sum(("g",), "d")])) == 1
