import numpy as np
import pytest
import torch
from torch.nn import functional

from tenfold.reading.learning import strips
from tenfold.reading.learning.network import CLASSES, build, scores
from tenfold.reading.learning.strips import Sample
from tenfold.reading.learning.train import (
    BLANK,
    Progress,
    ReaderRecipe,
    collate,
    exactness,
    greedy,
    loss,
    tone,
    train,
)
from tenfold.reading.strip import HEIGHT, STRIDE


def sample(text: str, width: int = 80) -> Sample:
    rng = np.random.default_rng(len(text) + width)
    ink = rng.integers(0, 256, (HEIGHT, width), np.uint8)
    return Sample(ink, text, tuple(2 + 3 * i for i in range(len(text))))


def test_the_network_answers_once_for_every_stride() -> None:
    network = build().eval()
    for width in (STRIDE, 80, 164):
        answer = scores(network, torch.zeros(2, 1, HEIGHT, width, dtype=torch.uint8))
        assert answer.shape == (width // STRIDE, 2, CLASSES)
        assert answer.exp().sum(2).detach().numpy() == pytest.approx(1, abs=1e-5)


def test_narrow_strips_are_filled_up_with_paper() -> None:
    batch = collate([sample("12", 80), sample("", 40)])
    assert batch.ink.shape == (2, 1, HEIGHT, 80)
    assert batch.ink[1, 0, :, 40:].max() == 0
    assert batch.columns.tolist() == [20, 10]
    assert batch.texts.tolist() == [1, 2]
    assert batch.lengths.tolist() == [2, 0]
    assert batch.places[0, [2, 5]].tolist() == [1, 2]
    assert (batch.places[1, :10] == BLANK).all()
    assert (batch.places[1, 10:] == -100).all()


def test_the_loss_is_that_of_the_definition() -> None:
    batch = collate([sample("12"), sample("7")])
    network = build().eval()
    answer = scores(network, batch.ink)
    by_hand = []
    for row, text in enumerate([[1, 2], [7]]):
        one = functional.ctc_loss(
            answer[:, row : row + 1], torch.tensor([text]), (20,), (len(text),), BLANK, reduction="sum"
        )
        by_hand.append(float(one.detach()) / (len(text) + 1))
    assert float(loss(network, batch, 0.0)) == pytest.approx(np.mean(by_hand), rel=0.02)
    assert float(loss(network, batch, 1.0)) > float(loss(network, batch, 0.0))


def test_what_columns_spell() -> None:
    answer = np.eye(11, dtype=np.float32)[[10, 3, 3, 10, 3, 7, 10]]
    assert greedy(answer) == "337"


def test_toning_keeps_paper_white_and_the_text() -> None:
    paper = Sample(np.zeros((HEIGHT, 40), np.uint8), "", ())
    one = sample("45")
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert tone(paper, rng).ink.max() == 0
        toned = tone(one, rng)
        assert toned.text == one.text
        assert toned.ink.shape == one.ink.shape


def test_a_short_training_learns_and_repeats_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "PAPERS", 6)
    monkeypatch.setattr(strips, "DRAWN", 100)
    recipe = ReaderRecipe(chunks=2, chunk=64, repeats=4, batch=16, validation=16)
    seen: list[Progress] = []
    first = train(recipe, 1, workers=0, on_chunk=lambda progress, _: seen.append(progress))
    assert [progress.done for progress in seen] == [0.5, 1.0]
    assert seen[1].loss < 0.7 * seen[0].loss
    assert seen[1].exact == exactness(first, strips.make_chunk(1, "validation", 0, 16))
    second = train(recipe, 1, workers=0)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
