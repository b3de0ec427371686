"""Train the string network on made strips."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tenfold.reading.learning.network import CLASSES, build, scores
from tenfold.reading.learning.strips import Sample, chunks, make_chunk
from tenfold.reading.strip import HEIGHT, STRIDE
from tenfold.seeds import generator, key

BLANK = CLASSES - 1


@dataclass(frozen=True)
class ReaderRecipe:
    """How the string network is trained.

    Attributes
    ----------
    chunks : int
        Chunks of strips in all.
    chunk : int
        Strips in a chunk.
    repeats : int
        Times that each chunk is seen, stretched and toned anew.
    batch : int
    lr : float
        Peak of the one-cycle schedule.
    weight_decay : float
    guided : float
        First share of the training in which the columns themselves are taught which digit lies there; later
        that counts a tenth beside the CTC loss.
    validation : int
        Strips to validate on, of digits that are not trained on.
    """

    chunks: int = 200
    chunk: int = 2048
    repeats: int = 2
    batch: int = 64
    lr: float = 3e-3
    weight_decay: float = 0.02
    guided: float = 0.1
    validation: int = 2000


@dataclass(frozen=True)
class Progress:
    """Where a training stands."""

    done: float
    loss: float
    exact: float | None
    seconds: float


def train(
    recipe: ReaderRecipe,
    seed: int = 0,
    *,
    workers: int = 1,
    on_chunk: Callable[[Progress, nn.Module], None] | None = None,
    validate_every: int = 20,
) -> nn.Module:
    """Train the network and return it.

    The same recipe and seed on the same machine and number of threads give the same weights, however many
    processes make the strips.
    """
    torch.manual_seed(key(seed, "reader")[0])
    network = build().to(memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98))
    per_chunk = recipe.repeats * (recipe.chunk // recipe.batch)
    steps = recipe.chunks * per_chunk
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=steps + 1, pct_start=0.15, final_div_factor=1000
    )
    held = make_chunk(seed, "validation", 0, recipe.validation) if recipe.validation else []
    start = time.monotonic()
    step = 0
    for index, samples in enumerate(chunks(seed, "train", range(recipe.chunks), recipe.chunk, workers)):
        network.train()
        total = 0.0
        for batch in batches(samples, recipe, generator(seed, "batches", index)):
            optimizer.zero_grad(set_to_none=True)
            value = loss(network, batch, 1.0 if step < recipe.guided * steps else 0.1)
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += float(value.detach())
            step += 1
        if on_chunk is not None:
            last = index + 1 == recipe.chunks
            measured = held and (last or (index + 1) % validate_every == 0)
            exact = exactness(network, held) if measured else None
            done = (index + 1) / recipe.chunks
            on_chunk(Progress(done, total / per_chunk, exact, time.monotonic() - start), network)
    return network


@dataclass(frozen=True, eq=False)
class Batch:
    """Strips of about one width.

    Attributes
    ----------
    ink : (n, 1, HEIGHT, width) uint8
    columns : (n,) int64
        Columns of the answer that belong to each strip.
    texts : (total,) int64
        All digits, one string after the other.
    lengths : (n,) int64
    places : (n, width / STRIDE) int64
        The digit in whose middle a column lies, else the blank; -100 beyond the strip.
    """

    ink: Tensor
    columns: Tensor
    texts: Tensor
    lengths: Tensor
    places: Tensor


def batches(samples: list[Sample], recipe: ReaderRecipe, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches in random order, strips of like width together."""
    for _ in range(recipe.repeats):
        # Widths shaken a little: neighbors change from one repeat to the next.
        widths = [sample.ink.shape[1] * rng.uniform(0.9, 1.1) for sample in samples]
        order = np.argsort(widths, kind="stable")
        starts = rng.permutation(len(samples) // recipe.batch) * recipe.batch
        for start in starts:
            chosen = [samples[i] for i in order[start : start + recipe.batch]]
            yield collate([tone(sample, rng) for sample in chosen])


def tone(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a sample with its ink made stronger or fainter, and moved up or down by a row or two."""
    gamma = float(np.exp(rng.normal(0, 0.25)))
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    ink = table[sample.ink]
    down = int(rng.integers(-2, 3))
    if down:
        ink = np.roll(ink, down, axis=0)
        ink[:down] = 0 if down > 0 else ink[:down]
        if down < 0:
            ink[down:] = 0
    return Sample(ink, sample.text, sample.places)


def collate(samples: list[Sample]) -> Batch:
    """Put samples side by side, the narrow ones filled up with paper."""
    width = max(sample.ink.shape[1] for sample in samples)
    ink = np.zeros((len(samples), 1, HEIGHT, width), np.uint8)
    places = np.full((len(samples), width // STRIDE), -100, np.int64)
    for row, sample in enumerate(samples):
        own = sample.ink.shape[1]
        ink[row, 0, :, :own] = sample.ink
        places[row, : own // STRIDE] = BLANK
        for place, digit in zip(sample.places, sample.text, strict=False):
            places[row, place] = int(digit)
    return Batch(
        torch.from_numpy(ink),
        torch.tensor([sample.ink.shape[1] // STRIDE for sample in samples]),
        torch.tensor([int(digit) for sample in samples for digit in sample.text], dtype=torch.int64),
        torch.tensor([len(sample.text) for sample in samples]),
        torch.from_numpy(places),
    )


def loss(network: nn.Module, batch: Batch, guidance: float) -> Tensor:
    """Return the CTC loss a digit, and `guidance` times the cross-entropy of the columns."""
    with torch.autocast("cpu", torch.bfloat16):
        answer = scores(network, batch.ink)
    ctc = functional.ctc_loss(
        answer, batch.texts, batch.columns, batch.lengths, BLANK, reduction="none", zero_infinity=True
    )
    weights = torch.ones(CLASSES)
    weights[BLANK] = 0.3
    column = functional.nll_loss(answer.permute(1, 2, 0), batch.places, weights, ignore_index=-100)
    return (ctc / (batch.lengths + 1)).mean() + guidance * column


def greedy(answer: NDArray[np.float32]) -> str:
    """Return what the best class of each column spells, (columns, CLASSES)."""
    best = answer.argmax(axis=1)
    changed = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(str(digit) for digit in best[changed] if digit != BLANK)


def exactness(network: nn.Module, samples: list[Sample]) -> float:
    """Return the share of samples read exactly, column by column the best class."""
    network.eval()
    order = np.argsort([sample.ink.shape[1] for sample in samples], kind="stable")
    right = 0
    with torch.inference_mode():
        for start in range(0, len(samples), 64):
            part = [samples[i] for i in order[start : start + 64]]
            batch = collate(part)
            answer = scores(network, batch.ink).permute(1, 0, 2).numpy()
            for sample, row in zip(part, answer, strict=True):
                right += greedy(row[: sample.ink.shape[1] // STRIDE]) == sample.text
    return right / len(samples)
