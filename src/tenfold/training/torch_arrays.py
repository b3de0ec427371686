"""All arrays of a network in one flat tensor, seen through a view for each key.

One flat tensor makes an optimizer's step, a running mean or a checkpoint a few operations on a vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Shape
from tenfold.training.engine import check_shapes, decayed


class FlatArrays:
    """The arrays of one network.

    In memory come first the weights that decay (of dense and convolutional layers), then the other trained
    parameters, then the statistics. Convolutional weights lie channels-last.

    Parameters
    ----------
    architecture : Architecture
    dtype : torch.dtype
    device : torch.device

    Attributes
    ----------
    values : (size,) Tensor
        Everything.
    parameters, gradient : (trained,) Tensor
        The trained part of `values`, and as much room for its gradient.
    decayed : int
        How many of `parameters`, from the first, weight decay touches.
    views : dict of str to Tensor
        `values` by key, in the order of computation. The trained ones require gradients.
    """

    def __init__(self, architecture: Architecture, dtype: torch.dtype, device: torch.device) -> None:
        self.name = architecture.name
        trained, kept = architecture.parameter_shapes, architecture.statistic_shapes
        shapes = trained | kept
        first = decayed(architecture)
        self._order = [*first, *(key for key in trained if key not in first), *kept]
        self._shapes = {key: shapes[key] for key in self._order}
        self.decayed = sum(prod(trained[key]) for key in first)
        self.values = torch.zeros(sum(map(prod, shapes.values())), dtype=dtype, device=device)
        self.parameters = self.values[: sum(map(prod, trained.values()))]
        self.gradient = torch.zeros_like(self.parameters)
        views = self.split(self.values)
        for key in trained:
            views[key].requires_grad_()
        in_order = (key for node in architecture.walk() for key in (*node.parameters, *node.statistics))
        self.views = {key: views[key] for key in in_order}
        self.trained = [self.views[key] for key in self._order[: len(trained)]]

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """Return the views into `flat` (all arrays, or the trained ones) by key."""
        views, start = {}, 0
        for key, shape in self._shapes.items():
            if start == len(flat):
                break
            part = flat[start : start + prod(shape)]
            views[key] = _image_view(part, shape) if len(shape) == 4 else part.view(shape)
            start += prod(shape)
        return views

    def gather(self, gradients: Iterable[Tensor]) -> Tensor:
        """Return `gradient` filled from the gradients of `trained`, in their order."""
        parts = [g.permute(0, 2, 3, 1).reshape(-1) if g.ndim == 4 else g.reshape(-1) for g in gradients]
        return torch.cat(parts, out=self.gradient)

    def to_numpy(self, flat: Tensor) -> dict[str, NDArray[Any]]:
        """Return a copy of `flat` (all arrays, or the trained ones) by key, in the order of computation."""
        views = self.split(flat)
        return {
            key: np.ascontiguousarray(views[key].detach().cpu().numpy()).copy()
            for key in self.views
            if key in views
        }

    def load(self, flat: Tensor, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Fill `flat` (all arrays, or the trained ones) from `arrays`.

        Raises
        ------
        NetworkError
            A key is missing or unknown, or a shape is another; nothing is changed then.
        """
        views = self.split(flat)
        wanted = {key: tuple(view.shape) for key, view in views.items()}
        found = {key: array.shape for key, array in arrays.items()}
        check_shapes(self.name, wanted, found)
        with torch.no_grad():
            for key, view in views.items():
                view.copy_(torch.tensor(arrays[key]))


def _image_view(part: Tensor, shape: Shape) -> Tensor:
    outputs, inputs, height, width = shape
    return part.view(outputs, height, width, inputs).permute(0, 3, 1, 2)
