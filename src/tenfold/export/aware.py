"""Quantization-aware training: a trained model learns to say in 8-bit integers what it says in floats.

Every step runs the network as `quantize` would write it at that moment: weights rounded on the scale of each
output channel, values on their grids, a ReLU in the clipping of the operation before it. Rounding passes
gradients on as if it were not there (the straight-through estimator; Jacob et al., 2018, section 3). Batch
norm is folded and its statistics rest. The grids are calibrated anew before each epoch, on the images that
the export will be calibrated on.

The target is what the model itself said at the beginning, of the same augmented pictures: labels are not
needed, and what it knows beyond them is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tenfold.data.dataset import Dataset
from tenfold.errors import ExportError
from tenfold.export import integers
from tenfold.export import quantize as integer
from tenfold.export.metadata import weights_sha256
from tenfold.export.quantize import HIGHEST, Grid, least_scale, quantize
from tenfold.networks import program as plain
from tenfold.networks.architecture import Architecture
from tenfold.networks.fold import fold
from tenfold.networks.layers import BatchNorm, Conv, Dense, DepthwiseConv
from tenfold.networks.program import PICTURE, Array, Operation, lower
from tenfold.training.engine import EpochResult
from tenfold.training.initializers import Weights
from tenfold.training.recipe import Recipe
from tenfold.training.torch_engine import TorchEngine, TorchTrainer
from tenfold.training.torch_layers import Tensors, forward

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Product:
    """Where the folded weights and bias of a convolution or a dense layer come from.

    Attributes
    ----------
    weight : str
        The key of its weights, which are multiplied by `factor`.
    factor : float32, of the shape of the weights
    bias : (out,) float32
        With all arrays as they were when this was found.
    parts : dict of ((out,) float32, (out,) float32)
        What a one in the arrays of these keys (its bias, a norm's) adds to the bias, and what they were.
    """

    weight: str
    factor: Tensor
    bias: Tensor
    parts: dict[str, tuple[Tensor, Tensor]]

    def arrays(self, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Return the folded weights and bias that `tensors` give."""
        bias = self.bias
        for key, (slope, start) in self.parts.items():
            bias = bias + slope * (tensors[key] - start)
        return tensors[self.weight] * self.factor, bias


def products(architecture: Architecture, weights: Weights) -> dict[int, Product]:
    """Return, by the value that it writes in the folded program, each product of a network.

    Folding is linear in the weights of a product and in every bias around it, so that it is known from what
    it makes of a one.

    Raises
    ------
    ExportError
        The bias of a product depends on its weights: a batch norm stands before it.
    """
    kinds = (Conv, Dense, DepthwiseConv)
    nodes = [node for node in architecture.walk() if isinstance(node.layer, kinds)]

    def folded(changes: Mapping[str, Array]) -> dict[int, plain.Conv | plain.Dense]:
        program = fold(lower(architecture, {**weights, **changes}))
        kept = (each for each in program.operations if isinstance(each, plain.Conv | plain.Dense))
        return {each.output: each for each in kept}

    now = folded({})
    ones = folded({f"{node.name}.weight": np.ones_like(weights[f"{node.name}.weight"]) for node in nodes})
    biases = [f"{node.name}.bias" for node in architecture.walk() if isinstance(node.layer, BatchNorm)]
    biases += [f"{node.name}.bias" for node in nodes if f"{node.name}.bias" in weights]
    moved = {key: folded({key: weights[key] + 1}) for key in biases}
    found = {}
    for node, (value, product) in zip(nodes, now.items(), strict=True):
        if not np.allclose(ones[value].bias, product.bias, rtol=1e-4, atol=1e-5):
            raise ExportError(
                f"A batch norm stands before {node.name}. Quantization-aware training takes networks whose "
                "norms follow their convolutions and dense layers; export this one with --int8 as it is."
            )
        slopes = {key: after[value].bias - product.bias for key, after in moved.items()}
        parts = {
            key: (torch.tensor(slope), torch.tensor(weights[key]))
            for key, slope in slopes.items()
            if slope.any()
        }
        factor = torch.tensor(ones[value].weight)
        found[value] = Product(f"{node.name}.weight", factor, torch.tensor(product.bias), parts)
    return found


class Simulated:
    """A network in integers, computed in floats that gradients can pass.

    Parameters
    ----------
    architecture : Architecture
    weights : dict of float32 arrays
    calibration : uint8 pictures
    """

    def __init__(self, architecture: Architecture, weights: Weights, calibration: Images) -> None:
        program = fold(lower(architecture, weights))
        self.program = quantize(program, calibration)
        known = products(architecture, weights)
        kinds = plain.Conv | plain.Dense | plain.Affine
        before = [each for each in program.operations if isinstance(each, kinds)]
        after = [each for each in self.program.operations if isinstance(each, kinds)]
        # Quantizing keeps the order of the products, and a scaling left over becomes one of them.
        self.products = {
            there.output: known.get(here.output) for here, there in zip(before, after, strict=True)
        }

    def logits(self, tensors: Tensors, x: Tensor) -> Tensor:
        """Return the logits of `x` (n, *input_shape), the network's normalized input."""
        values = {PICTURE: x}
        for operation in self.program.operations:
            result = self._apply(operation, [values[place] for place in operation.inputs], tensors)
            if not isinstance(operation, plain.Flatten | plain.MaxPool):
                grid, bounds = self.program.grids[operation.output], self.program.bounds(operation.output)
                result = snapped(result, grid, *bounds)
            values[operation.output] = result
        return values[self.program.output]

    def _apply(self, operation: Operation, inputs: list[Tensor], tensors: Tensors) -> Tensor:
        x = inputs[0]
        match operation:
            case integer.Input():
                return x
            case integer.Conv():
                weight, bias = self._rounded(operation, tensors)
                image = x if x.ndim == 4 else x[:, :, None, None]
                found = F.conv2d(
                    image, weight, bias, operation.stride, operation.pad, groups=operation.groups
                )
                return found.reshape(len(x), *operation.shape)
            case integer.Dense():
                return F.linear(x, *self._rounded(operation, tensors))
            case plain.MaxPool():
                return F.max_pool2d(x, operation.size, operation.step)
            case integer.Mean():
                found = F.avg_pool2d(x, (operation.rows, operation.columns), operation.step)
                return found.reshape(len(x), *operation.shape)
            case integer.Add():
                return x + inputs[1]
            case integer.Lookup():
                return _activated(x, operation.kind, operation.slope)
            case integer.Softmax():
                return torch.softmax(x, 1)
            case plain.Flatten():
                return x.flatten(1)
        raise ExportError(f"{type(operation).__name__} cannot be trained in integers. Export it as it is.")

    def _rounded(self, operation: integer.Conv | integer.Dense, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Return weights and bias in whole steps, as numbers."""
        product, before = self.products[operation.output], self.program.grids[operation.inputs[0]]
        if product is None:  # a scaling that was left over: it rests
            step = torch.tensor(operation.weight_scale, dtype=torch.float32)
            weight = torch.tensor(operation.weight) * step.reshape(-1, 1, 1, 1)
            return weight, torch.tensor(operation.bias) * step * before.scale
        weight, bias = product.arrays(tensors)
        with torch.no_grad():
            rows = weight.detach().abs().reshape(len(weight), -1).amax(1)
            step = torch.maximum(rows / HIGHEST, bias.detach().abs() * least_scale(before))
            step[step == 0] = 1.0
        across = step.reshape(-1, *[1] * (weight.ndim - 1))
        return whole(weight / across) * across, whole(bias / step / before.scale) * step * before.scale


def whole(x: Tensor) -> Tensor:
    """Return `x` rounded; gradients pass as if it were not."""
    return x + (x.round() - x).detach()


def snapped(x: Tensor, grid: Grid, lowest: int, highest: int) -> Tensor:
    """Return `x` on a grid; gradients pass where it lies within."""
    return (whole((x / grid.scale + grid.zero).clamp(lowest, highest)) - grid.zero) * grid.scale


def _activated(x: Tensor, kind: str, slope: float) -> Tensor:
    match kind:
        case "leaky-relu":
            return F.leaky_relu(x, slope)
        case "relu":
            return F.relu(x)
        case "sigmoid":
            return torch.sigmoid(x)
        case "tanh":
            return torch.tanh(x)
        case "gelu":
            return F.gelu(x)
    raise ExportError(f"{kind!r} cannot be trained in integers. Export the network as it is.")


class AwareTrainer(TorchTrainer):
    """A network that learns to be rounded. Parameters as in `AwareEngine` and `Trainer`."""

    def __init__(
        self, engine: AwareEngine, architecture: Architecture, recipe: Recipe, seed: int, count: int
    ) -> None:
        self._start, self._calibration = engine.start, engine.calibration
        self._engine = engine
        self._float = {key: torch.tensor(value) for key, value in engine.start.items()}
        super().__init__(architecture, recipe, seed, count, torch.device("cpu"))
        self._calibrate()

    def first_weights(self) -> Weights:
        return self._start

    def run_epoch(self, data: Dataset, epoch: int) -> EpochResult:
        self._calibrate()
        return super().run_epoch(data, epoch)

    def logits(self, images: NDArray[Any]) -> NDArray[np.float32]:
        return self._engine.logits(self.architecture, self.weights(), images)

    def _calibrate(self) -> None:
        weights = self.arrays.to_numpy(self.arrays.values)
        self._simulated = Simulated(self.architecture, weights, self._calibration)

    def _loss(
        self, tensors: Tensors, x: Tensor, labels: Tensor, masks: Tensors, told: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        logits = self._simulated.logits(tensors, x)
        with torch.no_grad():
            target = torch.softmax(forward(self.architecture, self._float, x), 1)
        # What rests (a norm's scale) takes part too, by nothing.
        resting = sum(0 * tensor.sum() for tensor in self.arrays.trained)
        return F.cross_entropy(logits, target) + resting, logits


class AwareEngine(TorchEngine):
    """Trains a network on from given weights, and measures it, in 8-bit integers.

    Parameters
    ----------
    start : dict of float32 arrays
        The weights that a float training gave.
    calibration : uint8 pictures
        What the export will be calibrated on.
    """

    def __init__(self, start: Weights, calibration: Images) -> None:
        super().__init__("cpu")
        self.start, self.calibration = start, calibration

    def settings(self, recipe: Recipe | None = None) -> dict[str, Any]:
        """Return the engine's name, and what the training starts from."""
        return {
            "name": self.name,
            "arithmetic": "int8",
            "start_sha256": weights_sha256(self.start),
            "calibration_sha256": sha256(self.calibration.tobytes()).hexdigest(),
        }

    def trainer(self, architecture: Architecture, recipe: Recipe, seed: int, count: int) -> AwareTrainer:
        """Return a trainer with the first weights."""
        return AwareTrainer(self, architecture, recipe, seed, count)

    def logits(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the logits (n, classes) of uint8 `images`, as the integers give them."""
        program = quantize(fold(lower(architecture, weights)), self.calibration)
        steps = program.grids[program.output].scale
        return (integers.run(program, images) * steps).astype(np.float32)
