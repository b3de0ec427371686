"""The members of a population at work, step by step; `population` tells what it is good for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture
from tenfold.training.engine import as_input, check_fit
from tenfold.training.initializers import Weights, initial_weights
from tenfold.training.numpy_blocks import Block, blocks
from tenfold.training.numpy_draws import Draws, Places
from tenfold.training.numpy_engine import NumpyEngine
from tenfold.training.numpy_operation import Array, Arrays
from tenfold.training.numpy_optimizers import Stepper
from tenfold.training.numpy_stack import ACTIVATIONS, Stack
from tenfold.training.published_backward import operations
from tenfold.training.recipe import Recipe

LARGEST = 1e9
"""A network whose weights would grow beyond this has diverged: what it says would overflow float32 soon."""

SHARES = 4
"""In how many shares the images pass through, each a thread's work. The sums of the shares are added in their
order, so that the result is the same for any number of threads."""

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


class _Group:
    """Learners that are alike: one stack computes them. Their first layers are `rows` of all."""

    def __init__(self, learners: Sequence[_Learner], start: int) -> None:
        self.learners = learners
        units = learners[0].member.architecture.nodes[0].output_shape[0]
        self.rows = slice(start, start + len(learners) * units)
        self.seeds = [learner.member.seed for learner in learners]

    def stack(self) -> Stack:
        """Return a stack of all learners behind their first layers."""
        member = self.learners[0].member
        return Stack(
            member.architecture.nodes[1:],
            [learner.weights for learner in self.learners],
            operations(member.backward, member.architecture),
            member.recipe.loss,
        )

    def end(
        self, stacks: Sequence[Stack], weight: Array, bias: Array, step: int, count: int, counted: bool
    ) -> None:
        """Let every learner take the step, given what each share's stack gathered, and the first layers'
        gradients (rows, pixels) and (rows,).
        """
        shape = (len(self.learners), -1)
        weights, biases = weight.reshape(*shape, weight.shape[1]), bias.reshape(shape)
        behind = {
            key: np.sum([stack.gradients[key] for stack in stacks], axis=0) for key in stacks[0].gradients
        }
        losses = np.sum([stack.losses for stack in stacks], axis=0)
        hits = np.sum([stack.hits for stack in stacks], axis=0)
        for place, learner in enumerate(self.learners):
            gradients = {key: array[place] / count for key, array in behind.items()}
            gradients |= {learner.weight: weights[place] / count, learner.bias: biases[place] / count}
            learner.loss = float(losses[place]) / count
            learner.accuracy = hits[place] / count if counted else nan
            learner.step(gradients, step)


class _Share:
    """Some of the blocks, and what all networks gather over them in a step: the work of one thread."""

    def __init__(self, blocks: Sequence[Block], groups: Sequence[_Group]) -> None:
        self._blocks, self._groups = blocks, groups
        self.count = sum(len(block.images) for block in blocks)
        self.stacks = [group.stack() for group in groups]
        """One for each group."""

    def learn(self, weight: Array, draws: Draws, counted: bool) -> Array:
        """Pass the images through all networks and back.

        Parameters
        ----------
        weight : (pixels + 1, rows)
            The first layers', a line a pixel, so that what a piece needs are whole lines of memory; the last
            line are the biases.
        draws : Draws
            This share's own.
        counted : bool
            Whether to count who is told right.

        Returns
        -------
        gradient : (pixels + 1, rows)
            Of the summed loss, by `weight`. The rest is in `stacks`.
        """
        gradient = np.zeros_like(weight)
        for group, stack in zip(self._groups, self.stacks, strict=True):
            stack.begin([learner.weights for learner in group.learners])
        with _silent():
            for block in self._blocks:
                draws.turn_to(block.images)
                z = np.empty((weight.shape[1], len(block.images)), weight.dtype)
                for part in block.parts:
                    np.matmul(weight[part.pixels].T, part.x, out=z[:, part.here])
                for group, stack in zip(self._groups, self.stacks, strict=True):
                    _learn(group, stack, z[group.rows], block, draws, counted)
                for part in block.parts:
                    gradient[part.pixels] += part.x @ z[:, part.here].T
        return gradient


def _learn(group: _Group, stack: Stack, z: Array, block: Block, draws: Draws, counted: bool) -> None:
    """Replace `z` (rows, n) of a group by the gradient of the summed loss by it."""

    def draw(name: str, width: int, rate: float) -> NDArray[np.bool_]:
        if len(set(group.seeds)) == 1:
            return draws.kept(group.seeds[0], name, width, rate)[None]
        return np.stack([draws.kept(seed, name, width, rate) for seed in group.seeds])

    count = len(block.labels)
    dz = stack.learn(
        z.reshape(len(group.learners), -1, count),
        block.wanted[group.learners[0].member.smoothed],
        draw,
        block.labels if counted else None,
    )
    z[...] = dz.reshape(-1, count)


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
        every = blocks(data.images, x, data.labels, kinds)
        ends = [round(len(every) * part / SHARES) for part in range(SHARES + 1)]
        self._divided = [every[start:end] for start, end in pairwise(ends) if start < end]
        nameless = [replace(member, architecture=member.architecture.named("")) for member in members]
        learners = {member: _Learner(member) for member in dict.fromkeys(nameless)}
        self.learners = [learners[member] for member in nameless]
        self._regroup()

    def step(
        self, report: Callable[[float], None] | None = None, *, counted: bool = True, threads: int = 1
    ) -> None:
        """Do one step of every member that has not diverged, on all images.

        Parameters
        ----------
        report : function of float, or None
            Told the part of the step that is done.
        counted : bool
            Whether to find the accuracy.
        threads : int >= 1
            How many threads to use, `SHARES` at most. The result does not depend on it.
        """
        if self._groups:
            self._step(report or (lambda part: None), counted, threads)
        self.done += 1

    def _step(self, report: Callable[[float], None], counted: bool, threads: int) -> None:
        count = len(self.data)
        every = [learner for group in self._groups for learner in group.learners]
        weights = [np.concatenate([learner.weights[learner.weight] for learner in every]).T]
        weights += [np.concatenate([learner.weights[learner.bias] for learner in every])[None]]
        weight = np.concatenate(weights)
        places = Places(self.done, count)

        def learn(share: _Share) -> Array:
            return share.learn(weight, Draws(places), counted)

        gradient, done = np.zeros_like(weight), 0
        with _mapping(min(threads, len(self._shares))) as mapped:
            for share, found in zip(self._shares, mapped(learn, self._shares), strict=True):
                gradient += found
                done += share.count
                report(done / count)
        by_unit, of_biases = np.ascontiguousarray(gradient[:-1].T), gradient[-1]
        for place, group in enumerate(self._groups):
            stacks = [share.stacks[place] for share in self._shares]
            with _silent():
                group.end(stacks, by_unit[group.rows], of_biases[group.rows], self.done, count, counted)
        lost = [learner for learner in every if learner.diverged]
        for learner in lost:
            # What it said on the way is no number; what it is left with can be measured.
            logits = NumpyEngine().logits(learner.member.architecture, learner.final(), self.data.images)
            learner.accuracy = float(np.mean(logits.argmax(axis=1) == self.data.labels))
        if lost:
            self._regroup()

    def _regroup(self) -> None:
        """Put the learners that have not diverged together, those that are alike in one group."""
        alike: dict[Any, list[_Learner]] = {}
        for learner in dict.fromkeys(self.learners):
            if not learner.diverged:
                alike.setdefault(learner.member.likeness, []).append(learner)
        groups: list[_Group] = []
        for learners in alike.values():
            groups.append(_Group(learners, groups[-1].rows.stop if groups else 0))
        self._groups = groups
        self._shares = [_Share(blocks, groups) for blocks in self._divided]

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
        self._regroup()


def decayed(architecture: Architecture) -> set[str]:
    """Return the keys that weight decay touches: the weights of dense layers."""
    return {f"{node.name}.weight" for node in architecture.walk() if isinstance(node.layer, layers.Dense)}


def _silent() -> np.errstate:
    """Return a context, for one thread: a member that runs away overflows; its loss tells, NumPy need not."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


@contextmanager
def _mapping(
    threads: int,
) -> Iterator[Callable[[Callable[[_Share], Array], Iterable[_Share]], Iterator[Array]]]:
    """Return what maps a function over shares, in their order, on so many threads."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map
