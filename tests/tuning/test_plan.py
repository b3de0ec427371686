"""What a search takes is told before, and is what it then takes."""

import pytest

from tenfold.data import folds
from tenfold.networks import Dense, network
from tenfold.runs import Store
from tenfold.training import SGD, Cosine, Recipe
from tenfold.tuning import Candidate, Rung, halving, plan, search

NETWORK = network(784)(Dense(10))


def candidates(epochs, rates, **settings):
    return [
        Candidate(f"{lr} {count}", NETWORK, Recipe(count, 50, SGD(lr), **settings))
        for lr in rates
        for count in epochs
    ]


def test_trainings_and_epochs_counted_by_hand():
    assert plan(candidates((4,), (1, 2)), 3, 2).epochs == (2 * 4 * 3 * 2,)
    assert plan(candidates((4,), (1, 2)), 3, 2).trainings == 2 * 3 * 2
    # Two and four epochs are one training at a constant rate, two where the rate falls.
    assert plan(candidates((2, 4), (1, 2)), 3, 1).epochs == (2 * 4 * 3,)
    assert plan(candidates((2, 4), (1, 2), schedule=Cosine()), 3, 1).epochs == (2 * (2 + 4) * 3,)
    # Eight on the first fold, one epoch; two of them go on: 3 more epochs there, 4 on each other fold.
    rungs = [Rung(1, 1, keep=2), Rung()]
    assert plan(candidates((4,), range(1, 9)), 3, 1, rungs).epochs == (8, 2 * (3 + 4 + 4))
    assert plan(candidates((4,), range(1, 9)), 3, 1, rungs).trainings == 8 + 2 * 2


@pytest.mark.parametrize("rungs", [[Rung()], halving(6, 4, 2, factor=2), [Rung(2, keep=3), Rung()]])
@pytest.mark.parametrize("schedule", [{}, {"schedule": Cosine()}])
def test_a_search_trains_as_many_epochs_as_were_told(mnist, tmp_path, rungs, schedule):
    asked = candidates((4,), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3), **schedule)
    parts = folds(mnist.train.take(slice(0, 100)), 2, seed=0)
    found = search(asked, parts, store=Store(tmp_path), rungs=rungs, engine="numpy")
    assert found.trained == sum(plan(asked, 2, 1, rungs).epochs)


def test_a_search_trains_no_more_epochs_than_were_told_where_the_candidates_differ_in_them(mnist, tmp_path):
    asked = candidates((1, 2, 4), (0.01, 0.1, 0.3))
    parts, rungs = folds(mnist.train.take(slice(0, 100)), 2, seed=0), [Rung(1, 1, keep=3), Rung()]
    found = search(asked, parts, store=Store(tmp_path), rungs=rungs, engine="numpy")
    assert found.trained <= sum(plan(asked, 2, 1, rungs).epochs)
