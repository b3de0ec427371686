"""Networks that take the same steps, as one batched computation: what moves a population in torch.

The trained arrays of all members are the rows of one matrix, and `torch.func` turns the forward and backward
pass of one into that of all. Members whose optimizers follow one rule lie next to each other, so that it
steps their rows in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from tenfold.training.engine import Arrays
from tenfold.training.initializers import initial_weights
from tenfold.training.recipe import Recipe
from tenfold.training.torch_arrays import FlatArrays
from tenfold.training.torch_augment import apply
from tenfold.training.torch_engine import CHUNK, as_input, deterministic, is_mixed, products
from tenfold.training.torch_layers import forward
from tenfold.training.torch_member import TorchMember
from tenfold.training.torch_optimizers import Rule, family, rule_of_many
from tenfold.training.torch_random import dropout_mask


class Pictures:
    """The images that the members share, on the device.

    Attributes
    ----------
    data : Dataset
    images : (n, ...) Tensor
    labels : (n,) int64 Tensor
    """

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.data = data
        self.images = torch.tensor(data.images, device=device)
        self.labels = torch.tensor(data.labels, dtype=torch.int64, device=device)


@dataclass(frozen=True)
class _Stream:
    """The images of an epoch as some of the members see them: those of one seed and one fold."""

    places: NDArray[np.int64]
    """Of the fold, among all images."""
    recipe: Recipe
    seed: int
    epoch: int

    def batches(
        self, architecture: Architecture, pictures: Pictures, dtype: torch.dtype
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs (n, *input_shape) and labels (n,), batch by batch."""
        count, batch = len(self.places), self.recipe.batch(len(self.places))
        chunk = max(CHUNK // batch, 1) * batch
        order = seeds.epoch_order(self.seed, self.epoch, count)
        draw = None
        if self.recipe.augments(self.epoch):
            rng = seeds.generator(self.seed, "augment", self.epoch)
            draw = self.recipe.augmentation.draw(count, pictures.data.images.shape[1:3], rng)
        for start in range(0, count, chunk):
            chosen = order[start : start + chunk]
            index = torch.tensor(self.places[chosen], device=pictures.images.device)
            pixels, labels = pictures.images[index], pictures.labels[index]
            if draw is not None:
                pixels = apply(pixels, draw.take(chosen))
            x = as_input(architecture, pixels, dtype, scale=pictures.images.dtype == torch.uint8)
            for at in range(0, len(x), batch):
                yield x[at : at + batch], labels[at : at + batch]


class Crew:
    """Members with equally many images, and so with equal steps, at work.

    Parameters
    ----------
    members : sequence of TorchMember
        Of one `likeness`, with equally many images.
    pictures : Pictures
    device : torch.device

    Attributes
    ----------
    order : list of int
        Which of the members given is in each row: those of one optimizer family lie next to each other.
    members : list of TorchMember
        By row.
    done : int
        Steps.
    """

    def __init__(self, members: Sequence[TorchMember], pictures: Pictures, device: torch.device) -> None:
        families: dict[Any, list[int]] = {}
        for place, member in enumerate(members):
            families.setdefault(family(member.recipe.optimizer), []).append(place)
        self.order = [place for group in families.values() for place in group]
        self.members = [members[place] for place in self.order]
        self.done = 0
        self._pictures, self._device = pictures, device
        first = members[0]
        self._all = np.arange(len(pictures.data))
        self._count = len(self._all if first.images is None else first.images)
        self._steps = first.recipe.steps_per_epoch(self._count)
        """In an epoch."""
        self._architecture = first.form
        self._dtype = torch.float64 if first.recipe.precision == "float64" else torch.float32
        self._mixed = is_mixed(first.recipe, device)
        self._arrays = FlatArrays(self._architecture, self._dtype, device)
        size = len(self._arrays.parameters)
        self._trained = torch.zeros(len(members), size, dtype=self._dtype, device=device)
        # Each of them whole: a batch norm in `vmap` writes into a matrix of its own, and into no part of one.
        self._statistics = {
            key: torch.zeros(len(members), *shape, dtype=self._dtype, device=device)
            for key, shape in self._architecture.statistic_shapes.items()
        }
        self._rules: list[Rule] = []
        self._slots: list[dict[str, Tensor]] = []
        """Of each member: what its optimizer remembers, (size,)."""
        start = 0
        for group in families.values():
            rows = self._trained[start : start + len(group)]
            optimizers = [members[place].recipe.optimizer for place in group]
            rule = rule_of_many(optimizers, rows, self._arrays.decayed)
            self._rules.append(rule)
            names = rule.slots
            self._slots += [{name: names[name][row] for name in names} for row in range(len(group))]
            start += len(group)
        for row, member in enumerate(self.members):
            drawn = initial_weights(member.architecture, member.recipe.weight_rule(), member.seed)
            self._load(row, drawn)

    def run_epoch(
        self, report: Callable[[float], None], on_step: Callable[[Tensor], None]
    ) -> tuple[list[float], list[float]]:
        """Train for an epoch; return loss and accuracy of each member, means over its images.

        Parameters
        ----------
        report : function of float
            Told the part of the epoch that is done, at every step.
        on_step : function of Tensor
            Told the losses (members,) of every step.
        """
        streams, place = self._streams()
        batches = [each.batches(self._architecture, self._pictures, self._dtype) for each in streams]
        # What all members see need not lie there for each.
        shared = None if len(streams) == 1 else 0
        learn = vmap(grad_and_value(self._loss, has_aux=True), in_dims=(0, 0, shared, shared, 0))
        losses = torch.zeros(len(self.members), dtype=torch.float64, device=self._device)
        hits = torch.zeros(len(self.members), dtype=torch.int64, device=self._device)
        seen = 0
        before = {key: each.clone() for key, each in self._statistics.items()}
        with deterministic(self._device):
            for parts in zip(*batches, strict=True):
                x, labels = parts[0]
                if shared == 0:
                    x, labels = (torch.stack([parts[at][side] for at in place]) for side in (0, 1))
                count = labels.shape[-1]
                masks = self._masks(count)
                gradients, (loss, logits) = learn(self._trained, self._statistics, x, labels, masks)
                self._step(gradients)
                losses += loss.double() * count
                hits += (logits.argmax(2) == labels).sum(1)
                seen += count
                on_step(loss)
                report(seen / self._count)
        if before and all(torch.equal(before[key], each) for key, each in self._statistics.items()):
            # Rather none than wrong ones: whether `vmap` writes into the statistics is up to torch.
            raise TrainingError(
                f"The running statistics of batch norm stay as they were under torch {torch.__version__} on "
                f"{self._device.type}. Train networks with batch norm alone."
            )
        return (losses / self._count).tolist(), (hits / self._count).tolist()

    def state(self, row: int) -> Arrays:
        """Return a copy of the state of the member at `row`, as `TorchTrainer.state` gives it alone."""
        parts = {"weights": self.weights(row)}
        parts |= {name: self._arrays.to_numpy(slot.cpu()) for name, slot in self._slots[row].items()}
        found = {f"{name}/{key}": array for name, part in parts.items() for key, array in part.items()}
        return found | {"done": np.array(self.done)}

    def weights(self, row: int) -> Arrays:
        """Return a copy of the weights and statistics of the member at `row`, in its precision."""
        statistics = {key: each[row].cpu().numpy().copy() for key, each in self._statistics.items()}
        return self._arrays.to_numpy(self._trained[row].cpu()) | statistics

    def load_states(self, states: Sequence[Arrays]) -> None:
        """Take up the states of all members, by row, after equally many steps."""
        for row, state in enumerate(states):
            weights = (key for key in state if key.startswith("weights/"))
            self._load(row, {key.removeprefix("weights/"): state[key] for key in weights})
            for name, slot in self._slots[row].items():
                keys = self._arrays.split(slot)
                self._arrays.load(slot, {key: state[f"{name}/{key}"] for key in keys})
        self.done = int(states[0]["done"])

    def _load(self, row: int, weights: Arrays) -> None:
        kept = self._statistics
        self._arrays.load(
            self._trained[row], {key: array for key, array in weights.items() if key not in kept}
        )
        for key, each in kept.items():
            each[row] = torch.tensor(weights[key])

    def _streams(self) -> tuple[list[_Stream], list[int]]:
        """Return what there is to see in this epoch, and which of it each member sees."""
        epoch = self.done // self._steps
        streams: dict[Any, _Stream] = {}
        seen = []
        for member in self.members:
            # Recipes that end without augmentation may differ in when that begins.
            what = member.seed, member.fold, member.recipe.augments(epoch)
            places = self._all if member.images is None else member.images
            streams.setdefault(what, _Stream(places, member.recipe, member.seed, epoch))
            seen.append(list(streams).index(what))
        return list(streams.values()), seen

    def _step(self, gradients: Tensor) -> None:
        """Let the optimizers take a step along `gradients` (members, size)."""
        rates = []
        for member in self.members:
            recipe = member.recipe
            factor = recipe.schedule.factor(self.done, recipe.epochs * self._steps, self._steps)
            rates.append([recipe.optimizer.lr * factor])
        start = 0
        for rule in self._rules:
            rows = slice(start, start + len(rule.optimizers))
            rule.step(gradients[rows], np.array(rates[rows]), self.done + 1)
            start = rows.stop
        self.done += 1

    def _loss(
        self,
        trained: Tensor,
        statistics: dict[str, Tensor],
        x: Tensor,
        labels: Tensor,
        masks: dict[str, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Return one member's mean loss, and its logits."""
        recipe = self.members[0].recipe
        tensors = self._arrays.split(trained) | statistics
        with products(self._mixed, self._device):
            logits = forward(self._architecture, tensors, x, masks)
        logits = logits.to(self._dtype)
        smoothing = recipe.label_smoothing
        if recipe.loss == "cross-entropy":
            return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits
        classes = self._architecture.classes
        told = labels[:, None] == torch.arange(classes, device=self._device)  # vmap takes no F.one_hot
        target = told.to(self._dtype) * (1 - smoothing) + smoothing / classes
        return (torch.softmax(logits, 1) - target).square().sum(1).mean(), logits

    def _masks(self, count: int) -> dict[str, Tensor]:
        """Return what each dropout layer multiplies by, (members, n, *shape)."""
        drawn: dict[tuple[int, str, float], Tensor] = {}
        found: dict[str, list[Tensor]] = {}
        for member in self.members:
            for node in member.architecture.walk():
                if isinstance(node.layer, Dropout):
                    known = member.seed, node.name, node.layer.rate
                    if known not in drawn:
                        stream = seeds.key(member.seed, "dropout", self.done, node.name)
                        shape = (count, *node.input_shape)
                        drawn[known] = dropout_mask(stream, shape, node.layer.rate, self._dtype, self._device)
                    found.setdefault(node.name, []).append(drawn[known])
        return {name: torch.stack(masks) for name, masks in found.items()}
