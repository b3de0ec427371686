"""Networks of one architecture as one batched computation in torch, for a device that wants large ones.

The arrays of all members are the rows of one matrix, and `torch.func` turns the forward pass of one into that
of all. Members may differ in seed, first weights, dropout rates, optimizer and learning rate; they share the
images, batch size, loss and precision. Each gets what it would have got alone: the same order, masks,
augmentation and steps. On a CPU it is no faster than one after another (docs/decisions/0007).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad_and_value, vmap

from tenfold import seeds
from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Dropout
from tenfold.training.engine import Arrays, check_fit
from tenfold.training.initializers import Weights, initial_weights
from tenfold.training.recipe import Recipe
from tenfold.training.torch_arrays import FlatArrays
from tenfold.training.torch_augment import apply
from tenfold.training.torch_engine import CHUNK, as_input, deterministic
from tenfold.training.torch_layers import forward
from tenfold.training.torch_optimizers import Rule, rule
from tenfold.training.torch_random import dropout_mask


@dataclass(frozen=True)
class TorchMember:
    """One network of a population: no batch norm, float32 or float64, without running mean.

    Attributes
    ----------
    architecture : Architecture
    recipe : Recipe
    seed : int
    """

    architecture: Architecture
    recipe: Recipe
    seed: int = 0

    def __post_init__(self) -> None:
        name = self.architecture.name or "This network"
        if self.architecture.statistic_shapes:
            raise TrainingError(f"{name} has batch norm; a population in torch takes none. Train it alone.")
        if self.recipe.ema or self.recipe.precision == "mixed" or self.recipe.distillation.on:
            raise TrainingError(
                "A population in torch takes recipes of precision float32 or float64, no running mean and no "
                f"teacher. Got {self.recipe.precision!r}, ema {self.recipe.ema} and teacher "
                f"{self.recipe.distillation.teacher!r}. Train this network alone."
            )

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What the members of a population have in common."""
        recipe = self.recipe
        augmentation = recipe.augmentation, recipe.augmentation_off
        return (
            _with_equal_dropout(self.architecture),
            *(recipe.batch_size, recipe.epochs, recipe.loss, recipe.label_smoothing, recipe.precision),
            augmentation,
        )


class TorchPopulation:
    """The members at work on their common images.

    Parameters
    ----------
    members : sequence of TorchMember
        That are alike in `TorchMember.likeness`.
    data : Dataset
    device : torch.device

    Raises
    ------
    TrainingError, NetworkError
        The members are not alike, or the images do not fit them.
    """

    def __init__(self, members: Sequence[TorchMember], data: Dataset, device: torch.device) -> None:
        first = members[0]
        if any(member.likeness != first.likeness for member in members):
            raise TrainingError(
                "The members of a population in torch must be alike but for seed, initializer, dropout rate, "
                "optimizer and schedule."
            )
        check_fit(first.architecture, data.images, len(data.classes))
        self.members, self.data, self.done = list(members), data, 0
        """`done`: epochs."""
        self._architecture, self._device = _with_equal_dropout(first.architecture), device
        self._dtype = torch.float64 if first.recipe.precision == "float64" else torch.float32
        self._steps = first.recipe.steps_per_epoch(len(data))
        self._arrays = FlatArrays(self._architecture, self._dtype, device)
        self._values = torch.zeros(len(members), len(self._arrays.values), dtype=self._dtype, device=device)
        for member, row in zip(members, self._values, strict=True):
            drawn = initial_weights(member.architecture, member.recipe.weight_rule(), member.seed)
            self._arrays.load(row, drawn)
        self._rules: list[Rule] = [
            rule(member.recipe.optimizer, row, self._arrays.decayed)
            for member, row in zip(members, self._values, strict=True)
        ]
        self._images = torch.tensor(data.images, device=device)
        self._labels = torch.tensor(data.labels, dtype=torch.int64, device=device)
        # Members of one seed see the same images in the same order: then they need not lie there twice.
        self._seeds = list(dict.fromkeys(member.seed for member in members))
        self._place = [self._seeds.index(member.seed) for member in members]
        shared = None if len(self._seeds) == 1 else 0
        self._learn = vmap(grad_and_value(self._loss, has_aux=True), in_dims=(0, shared, shared, 0))
        self.losses = [nan] * len(members)
        self.accuracies = [nan] * len(members)
        self.on_step: Callable[[dict[int, float]], None] | None = None
        """Told after every step the losses of the batches just trained on, by the members' places."""

    def run_epoch(self, report: Callable[[float], None] | None = None) -> None:
        """Train every member for an epoch, and set `losses` and `accuracies`: means over its images.

        A member that runs away goes on with numbers that are none; its loss tells.
        """
        count, recipe = len(self.data), self.members[0].recipe
        batch = recipe.batch(count)
        chunk = max(CHUNK // batch, 1) * batch
        orders = [seeds.epoch_order(seed, self.done, count) for seed in self._seeds]
        draws = [self._draw(seed) for seed in self._seeds]
        losses = torch.zeros(len(self.members), dtype=torch.float64, device=self._device)
        hits = torch.zeros(len(self.members), dtype=torch.int64, device=self._device)
        step = self.done * self._steps
        with deterministic(self._device):
            for start in range(0, count, chunk):
                inputs, answers = [], []
                for order, draw in zip(orders, draws, strict=True):
                    chosen = order[start : start + chunk]
                    index = torch.tensor(chosen, device=self._device)
                    pixels = self._images[index]
                    if draw is not None:
                        pixels = apply(pixels, draw.take(chosen))
                    scale = self._images.dtype == torch.uint8
                    inputs.append(as_input(self._architecture, pixels, self._dtype, scale=scale))
                    answers.append(self._labels[index])
                for at in range(0, len(answers[0]), batch):
                    x = [each[at : at + batch] for each in inputs]
                    labels = [each[at : at + batch] for each in answers]
                    loss, found = self._step(x, labels, step)
                    losses += loss.double() * len(labels[0])
                    hits += found
                    step += 1
                    if self.on_step is not None:
                        self.on_step(dict(enumerate(loss.tolist())))
                if report is not None:
                    report(min(start + chunk, count) / count)
        self.done += 1
        self.losses = [value / count for value in losses.tolist()]
        self.accuracies = [value / count for value in hits.tolist()]

    def weights(self, place: int) -> Weights:
        """Return a copy of the weights of the member at `place`."""
        arrays = self._arrays.to_numpy(self._values[place])
        return {key: array.astype(np.float32) for key, array in arrays.items()}

    def diverged(self, place: int) -> bool:
        """Return whether the last epoch of the member at `place` has no finite loss."""
        return self.done > 0 and not isfinite(self.losses[place])

    def state(self) -> Arrays:
        """Return a copy of everything the next epoch depends on."""
        found: Arrays = {"done": np.array(self.done), "weights": self._values.cpu().numpy().copy()}
        for place, each in enumerate(self._rules):
            found |= {f"{place}/{name}": slot.cpu().numpy().copy() for name, slot in each.slots.items()}
        return found

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state from `state`, of the same members."""
        self.done = int(state["done"])
        self._values.copy_(torch.tensor(state["weights"]))
        for place, each in enumerate(self._rules):
            for name, slot in each.slots.items():
                slot.copy_(torch.tensor(state[f"{place}/{name}"]))

    def _step(self, x: list[Tensor], labels: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        """Do one step of every member; return their losses and how many each told right."""
        masks = self._masks(len(labels[0]), step)
        if len(self._seeds) == 1:
            inputs, answers = x[0], labels[0]
        else:
            inputs = torch.stack([x[place] for place in self._place])
            answers = torch.stack([labels[place] for place in self._place])
        gradients, (losses, logits) = self._learn(self._values, inputs, answers, masks)
        for member, each, gradient in zip(self.members, self._rules, gradients, strict=True):
            recipe = member.recipe
            factor = recipe.schedule.factor(step, recipe.epochs * self._steps, self._steps)
            each.step(gradient, recipe.optimizer.lr * factor, step + 1)
        return losses, (logits.argmax(2) == answers).sum(1)

    def _loss(
        self, flat: Tensor, x: Tensor, labels: Tensor, masks: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return one member's mean loss, and its logits."""
        recipe = self.members[0].recipe
        logits = forward(self._architecture, self._arrays.split(flat), x, masks)
        smoothing = recipe.label_smoothing
        if recipe.loss == "cross-entropy":
            return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits
        classes = self._architecture.classes
        told = labels[:, None] == torch.arange(classes, device=self._device)  # vmap takes no F.one_hot
        target = told.to(self._dtype) * (1 - smoothing) + smoothing / classes
        return (torch.softmax(logits, 1) - target).square().sum(1).mean(), logits

    def _masks(self, count: int, step: int) -> dict[str, Tensor]:
        """Return what each dropout layer multiplies by, (members, n, *shape)."""
        drawn: dict[tuple[int, str, float], Tensor] = {}
        found: dict[str, list[Tensor]] = {}
        for member in self.members:
            for node in member.architecture.walk():
                if isinstance(node.layer, Dropout):
                    known = member.seed, node.name, node.layer.rate
                    if known not in drawn:
                        stream = seeds.key(member.seed, "dropout", step, node.name)
                        shape = (count, *node.input_shape)
                        drawn[known] = dropout_mask(stream, shape, node.layer.rate, self._dtype, self._device)
                    found.setdefault(node.name, []).append(drawn[known])
        return {name: torch.stack(masks) for name, masks in found.items()}

    def _draw(self, seed: int) -> Any:
        recipe = self.members[0].recipe
        if not recipe.augments(self.done):
            return None
        rng = seeds.generator(seed, "augment", self.done)
        return recipe.augmentation.draw(len(self.data), self.data.images.shape[1:3], rng)


def _with_equal_dropout(architecture: Architecture) -> Architecture:
    """Return the network without its name, all its dropout layers of one rate: the masks know the true."""
    layers = tuple(Dropout(0.5) if isinstance(layer, Dropout) else layer for layer in architecture.layers)
    return replace(architecture, layers=layers).named("")
