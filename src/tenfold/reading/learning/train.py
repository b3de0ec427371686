"""Train the string network on made strips; go on where a killed training was."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tenfold.errors import TrainingError
from tenfold.reading.learning.batches import BEYOND, Batch, batches, by_width, collate
from tenfold.reading.learning.network import BLANK, CLASSES, build, scores
from tenfold.reading.learning.recipe import ReaderRecipe
from tenfold.reading.learning.strips import Sample, chunks, make_chunk
from tenfold.reading.learning.weights import restore
from tenfold.reading.strip import STRIDE
from tenfold.seeds import generator, key
from tenfold.training.checkpoint import (
    Checkpoint,
    load_same,
    save_checkpoint,
)
from tenfold.training.history import History

GUIDANCE = 0.1
"""Weight of the columns' own loss after the first, guided share of the training."""

WARMUP = 0.15
"""Share of the steps in which the learning rate rises."""

SAVED_EVERY = 5
MEASURED_EVERY = 20
"""Chunks between checkpoints, and between measurements."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes
    ----------
    done : float in (0, 1]
    loss : float
        Mean over the last chunk.
    exact : float or None
        Share of the validation strips read exactly, where that was just measured.
    seconds : float
    """

    done: float
    loss: float
    exact: float | None
    seconds: float


def train(
    recipe: ReaderRecipe,
    seed: int = 0,
    *,
    start: Path | None = None,
    folder: Path | None = None,
    workers: int = 1,
    on_chunk: Callable[[Progress], None] | None = None,
) -> nn.Sequential:
    """Train the network and return it.

    The same recipe and seed, on the same machine with as many threads, give the same weights, however many
    processes make the strips and however often the training was stopped.

    Parameters
    ----------
    recipe : ReaderRecipe
    seed : int
    start : Path or None
        Weights to go on from (``strings.onnx``); None: none, the network is drawn by the seed.
    folder : Path or None
        Where a checkpoint is kept while it trains. One that lies there already is gone on from.
    workers : int
        Processes that make strips beside this one.
    on_chunk : callable or None
        Called after every chunk.

    Raises
    ------
    ModelError
        The weights to start from are missing, or of another network.
    TrainingError
        The checkpoint in the folder is another training's, or damaged; or the loss is not finite.
    """
    torch.manual_seed(key(seed, "reader")[0])
    network = build()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98))
    identity = {"training": "strings", "recipe": asdict(recipe), "seed": seed}
    if start is not None:
        restore(network, start)
        identity["start"] = hashlib.sha256(start.read_bytes()).hexdigest()
    found = None if folder is None else load_same(folder, identity)
    history = History() if found is None else found.history
    first, before = (0, 0.0) if found is None else (found.epoch, found.seconds)
    if found is not None:
        _restore(network, optimizer, found.state)
    held = make_chunk(seed, "validation", 0, recipe.validation)
    if start is not None and found is None:
        measure_norms(network, held)
    began = time.monotonic() - before
    per_chunk = recipe.steps // recipe.chunks
    step = first * per_chunk
    made = chunks(seed, "train", range(first, recipe.chunks), recipe.chunk, workers)
    for index, samples in enumerate(made, first):
        guidance = 1.0 if index < recipe.guided * recipe.chunks else GUIDANCE
        network.train()
        total = 0.0
        for batch in batches(samples, recipe, generator(seed, "batches", index)):
            pace(optimizer, recipe, step)
            optimizer.zero_grad(set_to_none=True)
            value = loss(network, batch, guidance)
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            total += float(value.detach())
            step += 1
        if not np.isfinite(total):
            raise TrainingError(f"The loss is not finite in chunk {index}. Take a lower lr.")
        done = index + 1
        last = done == recipe.chunks
        exact = exactness(network, held) if last or done % MEASURED_EVERY == 0 else None
        seconds = time.monotonic() - began
        history.add(epoch=done, train_loss=total / per_chunk, exact=exact, seconds=seconds)
        if folder is not None and (done % SAVED_EVERY == 0 or last):
            save_checkpoint(
                Checkpoint(identity, done, history, _state(network, optimizer), seconds, seconds), folder
            )
        if on_chunk is not None:
            on_chunk(Progress(done / recipe.chunks, total / per_chunk, exact, seconds))
    return network


def measure_norms(network: nn.Module, samples: list[Sample]) -> None:
    """Let the norms of a restored network know what they are given, and leave its answers as they are.

    While a network learns, a norm takes out the mean and spread of what it is given; so that nothing changes
    for it, they become the norm's own shift and gain.
    """
    given: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double()
        sums = torch.stack(
            [x.sum((0, 2, 3)), x.square().sum((0, 2, 3)), torch.tensor(x[:, 0].numel()).expand(x.shape[1])]
        )
        given.setdefault(norm, []).append(sums)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    exactness(network, samples)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        for norm, sums in given.items():
            total, squares, count = torch.stack(sums).sum(0)
            mean = total / count
            variance = squares / count - mean.square()
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.bias.add_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())


def pace(optimizer: torch.optim.Optimizer, recipe: ReaderRecipe, step: int) -> None:
    """Set the learning rate and momentum of a step: one cycle of cosines (L. N. Smith, 2018)."""
    peak = WARMUP * (recipe.steps + 1) - 1
    if step <= peak:
        rise = (1 - cos(pi * step / peak)) / 2
        lr = recipe.lr / 25 * (1 - rise) + recipe.lr * rise
    else:
        rise = (1 + cos(pi * (step - peak) / (recipe.steps - peak))) / 2
        lr = recipe.lr / 25_000 * (1 - rise) + recipe.lr * rise
    for group in optimizer.param_groups:
        group["lr"] = lr
        group["betas"] = (0.95 - 0.1 * rise, group["betas"][1])


def loss(network: nn.Module, batch: Batch, guidance: float) -> Tensor:
    """Return the CTC loss a digit, and `guidance` times the cross-entropy of the columns."""
    with torch.autocast("cpu", torch.bfloat16):
        answer = scores(network, batch.ink)
    ctc = functional.ctc_loss(
        answer, batch.texts, batch.columns, batch.lengths, BLANK, reduction="none", zero_infinity=True
    )
    weights = torch.ones(CLASSES)
    weights[BLANK] = 0.3  # most columns are blank
    column = functional.nll_loss(answer.permute(1, 2, 0), batch.places, weights, ignore_index=BEYOND)
    return (ctc / (batch.lengths + 1)).mean() + guidance * column


def greedy(answer: NDArray[np.float32]) -> str:
    """Return what the best class of each column spells, (columns, CLASSES)."""
    best = answer.argmax(axis=1)
    changed = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(str(digit) for digit in best[changed] if digit != BLANK)


def exactness(network: nn.Module, samples: list[Sample]) -> float:
    """Return the share of samples read exactly, column by column the best class."""
    network.eval()
    right = 0
    with torch.inference_mode():
        for part in by_width(samples):
            answers = scores(network, collate(part).ink).permute(1, 0, 2).numpy()
            for sample, answer in zip(part, answers, strict=True):
                right += greedy(answer[: sample.ink.shape[1] // STRIDE]) == sample.text
    return right / len(samples)


def _state(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, NDArray[Any]]:
    """Return all that the training goes on from, as arrays."""
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": value for name, value in slots.items()}
    state["dropout"] = torch.get_rng_state()
    return {name: value.detach().contiguous().numpy().copy() for name, value in state.items()}


def _restore(network: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, NDArray[Any]]) -> None:
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    network.load_state_dict(
        {
            name.removeprefix("network."): value
            for name, value in tensors.items()
            if name.startswith("network.")
        }
    )
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, slot = name.split(".")
            slots.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["dropout"])
