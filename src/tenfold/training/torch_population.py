"""Networks of one architecture as one batched computation in torch, for a device that wants large ones.

Members may differ in seed, first weights, dropout rates, optimizer, learning rate, schedule and epochs, and
in which of the common images they are trained on; they share batch size, loss and precision. Each gets what
it would have got alone: the same order, masks, augmentation and steps. On a CPU it is no faster than one
after another (docs/decisions/0007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingError
from tenfold.training.engine import Arrays, check_fit
from tenfold.training.initializers import Weights
from tenfold.training.torch_arrays import FlatArrays
from tenfold.training.torch_crew import Crew, Pictures
from tenfold.training.torch_engine import evaluate, is_mixed
from tenfold.training.torch_member import TorchMember


class TorchPopulation:
    """The members at work on their common images.

    Members with equally many images take their steps together; those with more or fewer in a crew of their
    own. Of members that begin alike, the longest is trained, and the others are read off it. Whoever has had
    its epochs rests, and the others go on without it.

    Parameters
    ----------
    members : sequence of TorchMember
        That are alike in `TorchMember.likeness`.
    data : Dataset
    device : torch.device

    Attributes
    ----------
    members : list of TorchMember
    done : int
        Epochs.
    losses, accuracies : list of float
        Of each member's last epoch: means over its images.

    Raises
    ------
    TrainingError, NetworkError
        The members are not alike, or the images do not fit them.
    """

    def __init__(self, members: Sequence[TorchMember], data: Dataset, device: torch.device) -> None:
        if not members:
            raise TrainingError("A population takes at least one member. Got none.")
        first = members[0]
        if any(member.likeness != first.likeness for member in members):
            raise TrainingError(
                "The members of a population in torch must be alike but for seed, images, initializer, "
                "dropout rate, optimizer, schedule and epochs. Train those of another network, batch size, "
                "loss, precision or augmentation in a population of their own."
            )
        if first.architecture.statistic_shapes and is_mixed(first.recipe, device):
            raise TrainingError(
                "A population in torch takes batch norm in float32 or float64. Got precision 'mixed' on a "
                "device that multiplies bfloat16. Change the precision, or train each network alone."
            )
        check_fit(first.architecture, data.images, len(data.classes))
        for member in members:
            if member.images is not None and member.images.max() >= len(data):
                raise TrainingError(
                    f"The images of a member must be places below {len(data)}, the number of images in "
                    f"{data.name}. Got {member.images.max()} instead."
                )
        self.members, self.done = list(members), 0
        self.losses, self.accuracies = [nan] * len(members), [nan] * len(members)
        self.on_step: Callable[[dict[int, float]], None] | None = None
        """Told after every step the losses of the batches just trained on, by the members' places."""
        self._pictures, self._device = Pictures(data, device), device
        self._rested: dict[int, Arrays] = {}
        """The states of the members that rest, by place."""
        self._crews: list[Crew] = []
        self._followers: list[list[list[int]]] = []
        """By crew and row: the places of the members that are read off it."""
        self._where: dict[int, tuple[Crew, int]] = {}
        self._gather()

    @property
    def running(self) -> list[int]:
        """The places of the members that are not at rest."""
        return [place for place in range(len(self.members)) if place not in self._rested]

    def run_epoch(self, report: Callable[[float], None] | None = None) -> None:
        """Train every member that is not at rest for an epoch, and set `losses` and `accuracies`.

        A member that runs away goes on with numbers that are none; its loss tells.

        Parameters
        ----------
        report : function of float, or None
            Told the part of the epoch that is done.
        """
        for number, (crew, followers) in enumerate(zip(self._crews, self._followers, strict=True)):

            def tell(part: float, number: int = number) -> None:
                if report is not None:
                    report((number + part) / len(self._crews))

            def note(losses: Tensor, followers: list[list[int]] = followers) -> None:
                if self.on_step is not None:
                    pairs = zip(followers, losses.tolist(), strict=True)
                    self.on_step({place: loss for places, loss in pairs for place in places})

            found = crew.run_epoch(tell, note)
            for places, loss, accuracy in zip(followers, *found, strict=True):
                for place in places:
                    self.losses[place], self.accuracies[place] = loss, accuracy
        self.done += 1
        self.rest([place for place in self.running if self.members[place].recipe.epochs <= self.done])

    def rest(self, places: Sequence[int]) -> None:
        """Let the members at `places` go no further; their weights and states stay what they are."""
        if places:
            states = self.states()
            self._rested |= {place: states[place] for place in places}
            self._gather(states)

    def diverged(self, place: int) -> bool:
        """Return whether the last epoch of the member at `place` has no finite loss."""
        return self.done > 0 and not isfinite(self.losses[place])

    def weights(self, place: int) -> Weights:
        """Return a copy of the weights of the member at `place`."""
        return {key: array.astype(np.float32) for key, array in self._weights(place).items()}

    def logits(self, place: int, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logits (n, classes) of `images` in evaluation mode under the member at `place`."""
        architecture, weights = self.members[place].architecture, self._weights(place)
        dtype = torch.tensor(next(iter(weights.values()))).dtype
        arrays = FlatArrays(architecture, dtype, self._device)
        arrays.load(arrays.values, weights)
        return evaluate(architecture, arrays.views, images, dtype, self._device)

    def states(self, places: Sequence[int] | None = None) -> list[Arrays]:
        """Return copies of the members' states (at `places`), as `TorchTrainer.state` gives each alone."""
        found = []
        for place in range(len(self.members)) if places is None else places:
            if place in self._rested:
                found.append(dict(self._rested[place]))
            else:
                crew, row = self._where[place]
                found.append(crew.state(row))
        return found

    def load_states(self, states: Sequence[Arrays]) -> None:
        """Take up the states of all members, by place.

        Raises
        ------
        TrainingError
            They do not stand after equally many epochs, but for those that have had all of theirs.
        """
        epochs = [
            int(state["done"]) // member.recipe.steps_per_epoch(self._count(member))
            for member, state in zip(self.members, states, strict=True)
        ]
        self.done = max(epochs)
        finished = {}
        for place, (member, epoch) in enumerate(zip(self.members, epochs, strict=True)):
            if member.recipe.epochs <= epoch:
                finished[place] = states[place]
            elif epoch != self.done:
                raise TrainingError(
                    f"The members of a population go on from the same epoch. Got states after {epoch} and "
                    f"after {self.done} epochs; train them in populations of their own."
                )
        self._rested = finished
        self._gather(states)

    def _gather(self, states: Sequence[Arrays] | None = None) -> None:
        """Put those that run into crews, each member in one with a leader that begins like it."""
        alike: dict[Any, list[int]] = {}
        for place in self.running:
            alike.setdefault(self.members[place].beginning, []).append(place)
        leaders: dict[int, list[int]] = {}
        for places in alike.values():
            leaders[max(places, key=lambda place: self.members[place].recipe.epochs)] = places
        by_count: dict[int, list[int]] = {}
        for leader in leaders:
            by_count.setdefault(self._count(self.members[leader]), []).append(leader)
        self._crews, self._followers, self._where = [], [], {}
        for places in by_count.values():
            crew = Crew([self.members[place] for place in places], self._pictures, self._device)
            # A crew has an order of its own.
            ordered = [places[at] for at in crew.order]
            if states is not None:
                crew.load_states([states[place] for place in ordered])
            self._crews.append(crew)
            self._followers.append([leaders[place] for place in ordered])
            for row, followers in enumerate(self._followers[-1]):
                self._where |= dict.fromkeys(followers, (crew, row))

    def _count(self, member: TorchMember) -> int:
        return len(self._pictures.data) if member.images is None else len(member.images)

    def _weights(self, place: int) -> Arrays:
        """Return the weights of the member at `place` in the precision that it is trained in."""
        if place in self._rested:
            state = self._rested[place]
            return {
                key.removeprefix("weights/"): array
                for key, array in state.items()
                if key.startswith("weights/")
            }
        crew, row = self._where[place]
        return crew.weights(row)
