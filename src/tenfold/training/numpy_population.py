"""The members of a population at work, step by step; `population` tells what it is good for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold import seeds
from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture
from tenfold.training.engine import as_input, check_fit
from tenfold.training.initializers import Weights, initial_weights
from tenfold.training.numpy_blocks import Block, blocks
from tenfold.training.numpy_engine import NumpyEngine
from tenfold.training.numpy_operation import Array, Arrays
from tenfold.training.numpy_optimizers import Stepper
from tenfold.training.numpy_stack import ACTIVATIONS, Stack
from tenfold.training.published_backward import operations
from tenfold.training.recipe import Recipe

LARGEST = 1e9
"""A network whose weights would grow beyond this has diverged: what it says would overflow float32 soon."""

PRECISIONS: dict[str, type[np.floating[Any]]] = {"float32": np.float32, "float64": np.float64}


@dataclass(frozen=True)
class Member:
    """One network of a population.

    Attributes
    ----------
    architecture : Architecture
        On flat images, a dense layer first; behind it dense layers, dropout and activations.
    recipe : Recipe
        Full batch, without augmentation and running mean.
    seed : int
    backward : str
        As for `NumpyEngine`.
    """

    architecture: Architecture
    recipe: Recipe
    seed: int
    backward: str = "true"

    def __post_init__(self) -> None:
        first, *rest = (node.layer for node in self.architecture.nodes)
        flat = len(self.architecture.input_shape) == 1 and isinstance(first, layers.Dense) and first.bias
        if not flat or not all(
            isinstance(each, (layers.Dense, layers.Dropout, *ACTIVATIONS)) for each in rest
        ):
            raise TrainingError(
                "A population takes networks on flat images with a dense layer first, and no more than dense "
                f"layers, dropout and activations behind it; {self.architecture.name or 'this network'} is "
                "none. Train it alone."
            )
        recipe = self.recipe
        if (
            recipe.batch_size != "full"
            or recipe.precision not in PRECISIONS
            or recipe.augmentation.on
            or recipe.ema
            or recipe.distillation.on
        ):
            raise TrainingError(
                f"A population takes recipes with batch_size 'full', precision {' or '.join(PRECISIONS)}, no "
                f"augmentation, running mean or teacher. Got batch_size {recipe.batch_size!r}, precision "
                f"{recipe.precision!r}, augmentation {recipe.augmentation.on}, ema {recipe.ema}, teacher "
                f"{recipe.distillation.teacher!r}. Train this network alone."
            )

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What members have in common that are computed together behind their first layers."""
        units = self.architecture.nodes[0].output_shape
        return units, self.architecture.nodes[1:], self.recipe.loss, self.smoothed, self.backward

    @property
    def smoothed(self) -> tuple[int, float]:
        """What its targets depend on: the number of classes, and the label smoothing."""
        return self.architecture.classes, self.recipe.label_smoothing


class _Learner:
    """One member at work: its weights, its optimizer, and what became of it."""

    def __init__(self, member: Member) -> None:
        self.member = member
        first = member.architecture.nodes[0].name
        self.weight, self.bias = f"{first}.weight", f"{first}.bias"
        """Keys of the first layer."""
        drawn = initial_weights(member.architecture, member.recipe.weight_rule(), member.seed)
        dtype = PRECISIONS[member.recipe.precision]
        self.weights: Arrays = {key: array.astype(dtype) for key, array in drawn.items()}
        self._stepper = Stepper(member.recipe.optimizer, self.weights, decayed(member.architecture))
        self.loss, self.accuracy = nan, nan
        """Of the last step; the accuracy where it was asked for. What diverged has that of its weights."""
        self.diverged = 0
        """The step that led to nowhere; from then on the weights stay. 0: none did."""

    def step(self, gradients: Arrays, step: int) -> None:
        """Take step `step` (from 0); or stop for good if it leads to nowhere."""
        if isfinite(self.loss) and all(np.isfinite(array).all() for array in gradients.values()):
            recipe = self.member.recipe
            rate = recipe.optimizer.lr * recipe.schedule.factor(step, recipe.epochs, 1)
            before = {key: array.copy() for key, array in self.weights.items()}
            self._stepper.step(self.weights, gradients, rate, step + 1)
            if all(np.abs(array).max() <= LARGEST for array in self.weights.values()):
                return
            for key, array in before.items():
                self.weights[key][...] = array
        self.diverged, self.loss = step + 1, nan

    def final(self) -> Weights:
        """Return the weights as float32."""
        return {key: array.astype(np.float32) for key, array in self.weights.items()}

    def arrays(self) -> Arrays:
        """Return the arrays that the next step depends on, by name."""
        found = {f"weights/{key}": array for key, array in self.weights.items()}
        for key, slots in self._stepper.slots.items():
            found |= {f"{name}/{key}": array for name, array in slots.items()}
        return found


class _Draws:
    """The random numbers behind the dropout of a step (`engine` says which), for some images at a time."""

    def __init__(self, step: int, count: int) -> None:
        self._step, self._count = step, count
        self._places: dict[int, NDArray[np.uint32]] = {}
        self._images = np.empty(0, np.int64)
        self._drawn: dict[tuple[int, str, int], Array] = {}
        self._kept: dict[tuple[int, str, int, float], NDArray[np.bool_]] = {}

    def turn_to(self, images: NDArray[np.int64]) -> None:
        """Draw for these images from now on."""
        self._images = images
        self._drawn.clear()
        self._kept.clear()

    def kept(self, seed: int, name: str, width: int, rate: float) -> NDArray[np.bool_]:
        """Return what layer `name` keeps, (width, n); it is found once for all members of a seed and rate."""
        wanted = (seed, name, width, rate)
        if wanted not in self._kept:
            self._kept[wanted] = self._numbers(seed, name, width) >= np.float32(rate)
        return self._kept[wanted]

    def _numbers(self, seed: int, name: str, width: int) -> Array:
        wanted = (seed, name, width)
        if wanted not in self._drawn:
            first = self._place(seed)[self._images] * np.uint32(width)
            index = first + np.arange(width, dtype=np.uint32)[:, None]
            self._drawn[wanted] = seeds.uniform_at(seeds.key(seed, "dropout", self._step, name), index)
        return self._drawn[wanted]

    def _place(self, seed: int) -> NDArray[np.uint32]:
        """Return where each image stands in the seed's order."""
        if seed not in self._places:
            places = np.empty(self._count, np.uint32)
            places[seeds.epoch_order(seed, self._step, self._count)] = np.arange(self._count)
            self._places[seed] = places
        return self._places[seed]


class _Group:
    """Learners that are alike, and the stack that computes them; their first layers are `rows` of all."""

    def __init__(self, learners: Sequence[_Learner], start: int) -> None:
        member = learners[0].member
        self.learners = learners
        self.stack = Stack(
            member.architecture.nodes[1:],
            [learner.weights for learner in learners],
            operations(member.backward, member.architecture),
            member.recipe.loss,
        )
        units = member.architecture.nodes[0].output_shape[0]
        self.rows = slice(start, start + len(learners) * units)
        self._seeds = [learner.member.seed for learner in learners]

    def learn(self, z: Array, block: Block, draws: _Draws, counted: bool) -> None:
        """Replace `z` (rows, n) by the gradient of the summed loss by it."""

        def draw(name: str, width: int, rate: float) -> NDArray[np.bool_]:
            if len(set(self._seeds)) == 1:
                return draws.kept(self._seeds[0], name, width, rate)[None]
            return np.stack([draws.kept(seed, name, width, rate) for seed in self._seeds])

        count = len(block.labels)
        dz = self.stack.learn(
            z.reshape(len(self.learners), -1, count),
            block.wanted[self.learners[0].member.smoothed],
            draw,
            block.labels if counted else None,
        )
        z[...] = dz.reshape(-1, count)

    def end(self, weight: Array, bias: Array, step: int, count: int, counted: bool) -> None:
        """Let every learner take the step, given the first layers' gradients (rows, pixels) and (rows,)."""
        shape = (len(self.learners), -1)
        weights, biases = weight.reshape(*shape, weight.shape[1]), bias.reshape(shape)
        for place, learner in enumerate(self.learners):
            gradients = {key: array[place] / count for key, array in self.stack.gradients.items()}
            gradients |= {learner.weight: weights[place] / count, learner.bias: biases[place] / count}
            learner.loss = float(self.stack.losses[place]) / count
            learner.accuracy = self.stack.hits[place] / count if counted else nan
            learner.step(gradients, step)


class Population:
    """The members at work on their common images.

    Parameters
    ----------
    members : sequence of Member
        Of any depth and width, of one precision, that scale their images alike. Those that are the same but
        for their names are computed once.
    data : Dataset

    Attributes
    ----------
    members : list of Member
    learners : list
        One for each member; the same one for the same.
    done : int
        Steps.
    """

    def __init__(self, members: Sequence[Member], data: Dataset) -> None:
        self.members, self.data, self.done = list(members), data, 0
        architecture, precision = members[0].architecture, members[0].recipe.precision
        for member in members:
            check_fit(member.architecture, data.images, len(data.classes))
            if (member.architecture.mean, member.architecture.std) != (architecture.mean, architecture.std):
                raise TrainingError("The members of a population must scale their images alike.")
            if member.recipe.precision != precision:
                raise TrainingError("The members of a population must have the same precision.")
        x = as_input(architecture, data.images, PRECISIONS[precision])
        kinds = {member.smoothed for member in members}
        self._blocks = blocks(data.images, x, data.labels, kinds)
        nameless = [replace(member, architecture=member.architecture.named("")) for member in members]
        learners = {member: _Learner(member) for member in dict.fromkeys(nameless)}
        self.learners = [learners[member] for member in nameless]
        self._groups = self._grouped()

    def step(self, report: Callable[[float], None] | None = None, *, counted: bool = True) -> None:
        """Do one step of every member that has not diverged, on all images.

        Parameters
        ----------
        report : function of float, or None
            Told the part of the step that is done.
        counted : bool
            Whether to find the accuracy.
        """
        if self._groups:
            # A member that runs away overflows on its way: its loss tells, so NumPy need not.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self._step(report or (lambda part: None), counted)
        self.done += 1

    def _step(self, report: Callable[[float], None], counted: bool) -> None:
        count = len(self.data)
        every = [learner for group in self._groups for learner in group.learners]
        # Pixels lie below one another, so that what a piece needs of them are whole lines of memory; the last
        # are the biases.
        weights = [np.concatenate([learner.weights[learner.weight] for learner in every]).T]
        weights += [np.concatenate([learner.weights[learner.bias] for learner in every])[None]]
        weight = np.concatenate(weights)
        gradient = np.zeros_like(weight)
        for group in self._groups:
            group.stack.begin([learner.weights for learner in group.learners])
        draws, done = _Draws(self.done, count), 0
        for block in self._blocks:
            draws.turn_to(block.images)
            z = np.empty((weight.shape[1], len(block.images)), weight.dtype)
            for part in block.parts:
                np.matmul(weight[part.pixels].T, part.x, out=z[:, part.here])
            for group in self._groups:
                group.learn(z[group.rows], block, draws, counted)
            for part in block.parts:
                gradient[part.pixels] += part.x @ z[:, part.here].T
            done += len(block.images)
            report(done / count)
        by_unit, of_biases = np.ascontiguousarray(gradient[:-1].T), gradient[-1]
        for group in self._groups:
            group.end(by_unit[group.rows], of_biases[group.rows], self.done, count, counted)
        lost = [learner for learner in every if learner.diverged]
        for learner in lost:
            # What it said on the way is no number; what it is left with can be measured.
            logits = NumpyEngine().logits(learner.member.architecture, learner.final(), self.data.images)
            learner.accuracy = float(np.mean(logits.argmax(axis=1) == self.data.labels))
        if lost:
            self._groups = self._grouped()

    def _grouped(self) -> list[_Group]:
        """Return the learners that have not diverged, with those that are alike in one group."""
        alike: dict[Any, list[_Learner]] = {}
        for learner in dict.fromkeys(self.learners):
            if not learner.diverged:
                alike.setdefault(learner.member.likeness, []).append(learner)
        groups: list[_Group] = []
        for learners in alike.values():
            groups.append(_Group(learners, groups[-1].rows.stop if groups else 0))
        return groups

    def state(self) -> Arrays:
        """Return a copy of everything the next step depends on."""
        found: Arrays = {
            "diverged": np.array([learner.diverged for learner in self.learners]),
            "accuracy": np.array([learner.accuracy for learner in self.learners]),
        }
        for place, learner in enumerate(self.learners):
            found |= {f"{place}/{key}": array.copy() for key, array in learner.arrays().items()}
        return found

    def load_state(self, state: Mapping[str, NDArray[Any]], done: int) -> None:
        """Take up a state from `state`, after `done` steps."""
        self.done = done
        for place, learner in enumerate(self.learners):
            learner.diverged = int(state["diverged"][place])
            learner.loss, learner.accuracy = nan, float(state["accuracy"][place])
            for key, array in learner.arrays().items():
                array[...] = state[f"{place}/{key}"]
        self._groups = self._grouped()


def decayed(architecture: Architecture) -> set[str]:
    """Return the keys that weight decay touches: the weights of dense layers."""
    return {f"{node.name}.weight" for node in architecture.walk() if isinstance(node.layer, layers.Dense)}
