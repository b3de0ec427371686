"""What a search chose, and how near the edge of what was tried it lies."""

import pytest

from tenfold.studies.abdelsalam import CANDIDATES
from tenfold.studies.okon import STUDY as OKON
from tenfold.studies.searches import edges
from tenfold.studies.shrestha import BY_EPOCHS, LEARNING_RATES, SWEPT
from tenfold.studies.shrestha import STUDY as SHRESTHA


@pytest.mark.parametrize(
    ("label", "at"),
    [
        ("dropout 0.25, batch 64, 20 epochs", ()),
        (
            "dropout 0.2, batch 64, 30 epochs",
            ("epochs 30 (the largest)", "dropout 0.2 (the smallest)"),
        ),
        ("dropout 0.25, batch 128, 20 epochs", ("batch size 128 (the largest)",)),
    ],
)
def test_a_winner_at_the_edge_of_what_was_tried_is_told(label, at):
    assert edges(CANDIDATES, label) == at


def test_one_setting_alone_may_be_searched():
    sweep = SHRESTHA.experiment(SWEPT[7, "as published"]).setup
    told = [edges(sweep, f"Experiment 7, as published, lr {lr:g}") for lr in LEARNING_RATES]
    assert told == [("learning rate 0.01 (the smallest)",), (), (), (), ("learning rate 1 (the largest)",)]
    epochs = SHRESTHA.experiment("Epochs of the PyTorch network").setup
    assert edges(epochs, list(BY_EPOCHS)[-1])[0].startswith("epochs ")
    assert edges(epochs, list(BY_EPOCHS)[2]) == ()


def test_of_two_values_neither_is_told():
    grid = OKON.experiment("Grid search").setup
    assert edges(grid, next(iter(grid.setups))) == ()
