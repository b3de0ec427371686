from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import tenfold
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.paper import Papers
from tenfold.errors import RecipeError, TrainingError, UnknownNameError
from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning import strips
from tenfold.reading.learning import train as learning
from tenfold.reading.learning.batches import collate, tone
from tenfold.reading.learning.network import BLANK, CLASSES, build, scores
from tenfold.reading.learning.recipe import ReaderRecipe
from tenfold.reading.learning.strips import Sample
from tenfold.reading.learning.train import (
    WARMUP,
    Progress,
    exactness,
    greedy,
    loss,
    measure_norms,
    pace,
    train,
)
from tenfold.reading.learning.weights import restore
from tenfold.reading.recognizer import WEIGHTS
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
    with torch.no_grad():
        bare, guided = (float(loss(network, batch, guidance)) for guidance in (0.0, 1.0))
    assert bare == pytest.approx(np.mean(by_hand), rel=0.02)
    assert guided > bare


def test_the_pace_is_that_of_torch() -> None:
    recipe = ReaderRecipe(chunks=3, chunk=64, repeats=2, batch=16)
    ours, theirs = (torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0) for _ in range(2))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        theirs, recipe.lr, total_steps=recipe.steps + 1, pct_start=WARMUP, final_div_factor=1000
    )
    for step in range(recipe.steps):
        pace(ours, recipe, step)
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"])
        assert ours.param_groups[0]["betas"][0] == pytest.approx(theirs.param_groups[0]["betas"][0])
        theirs.step()
        schedule.step()


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


@pytest.fixture
def small_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stock of strips that is made at once."""
    few = Glyphs(*_few(), draw_glyphs(100, np.random.default_rng(0)))
    papers = Papers(6, np.random.default_rng(0))
    monkeypatch.setattr(strips, "_stock", lambda part: (few, papers, DigitNetwork()))


def _few() -> tuple[np.ndarray, np.ndarray]:
    digits = tenfold.load("mnist").train
    return digits.images[:500], digits.labels[:500]


@pytest.mark.usefixtures("small_stock")
def test_a_short_training_learns_and_repeats_itself_even_when_stopped(tmp_path: Path) -> None:
    recipe = ReaderRecipe(chunks=2, chunk=32, repeats=4, batch=16, validation=16)
    seen: list[Progress] = []

    def note(progress: Progress) -> None:
        seen.append(progress)

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    first = train(recipe, 1, workers=0, on_chunk=note)
    assert [progress.done for progress in seen] == [0.5, 1.0]
    assert seen[1].loss < 0.8 * seen[0].loss
    assert seen[1].exact == exactness(first, strips.make_chunk(1, "validation", 0, 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "SAVED_EVERY", 1)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, 1, folder=tmp_path, workers=0, on_chunk=stop)
    second = train(recipe, 1, folder=tmp_path, workers=0)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(TrainingError, match=r"another training: seed is 2, in the checkpoint 1"):
        train(recipe, 2, folder=tmp_path, workers=0)


@pytest.mark.usefixtures("small_stock")
def test_the_norms_of_restored_weights_change_nothing(tmp_path: Path) -> None:
    made = strips.make_chunk(0, "validation", 0, 64)
    network = build()
    restore(network, WEIGHTS)
    batch = collate(made)
    with torch.inference_mode():
        before = scores(network.eval(), batch.ink)
        measure_norms(network, made)
        after, learning = (scores(network.train(mode), batch.ink) for mode in (False, True))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-2)
    # While it learns the norms take the mean and spread of the batch, and its dropout is at work.
    assert float((learning.exp() - before.exp()).abs().mean()) < 0.02


def test_a_wrong_setting_says_what_is_right() -> None:
    with pytest.raises(UnknownNameError, match="chunks"):
        ReaderRecipe().change({"chunsk": 3})
    for name, value in [("chunks", 0), ("chunks", 1.5), ("lr", -1.0), ("batch", 4000), ("guided", 2)]:
        with pytest.raises(RecipeError, match=name):
            ReaderRecipe().change({name: value})
    assert ReaderRecipe().change({"chunks": 3, "lr": 1}).chunks == 3
