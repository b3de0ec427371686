import json

import pytest

from tenfold.errors import TrainingError
from tenfold.training.history import History


def two_epochs() -> History:
    history = History()
    history.add(epoch=1, lr=0.1, train_loss=2.0)
    history.add(epoch=2, lr=0.1, train_loss=1.0, test_accuracy=0.9)
    return history


def test_a_history_is_a_table_by_row_and_by_column():
    history = two_epochs()
    assert len(history) == 2
    assert [row["train_loss"] for row in history] == [2.0, 1.0]
    assert history.column("train_loss") == [2.0, 1.0]
    assert history.columns == ["epoch", "lr", "train_loss", "test_accuracy"]


def test_a_column_has_none_where_it_was_not_measured():
    assert two_epochs().column("test_accuracy") == [None, 0.9]


def test_it_survives_the_round_trip_through_json():
    columns = json.loads(json.dumps(two_epochs().to_dict()))
    again = History.from_dict(columns)
    assert again.to_dict() == two_epochs().to_dict()
    assert History.from_dict({}).rows == []


def test_columns_of_different_lengths_are_no_history():
    with pytest.raises(ValueError, match="shorter"):
        History.from_dict({"epoch": [1, 2], "lr": [0.1]})


@pytest.mark.parametrize("epoch", [1, 2])
def test_epochs_ascend(epoch):
    with pytest.raises(TrainingError, match=f"Epoch {epoch} comes after epoch 2."):
        two_epochs().add(epoch=epoch)
