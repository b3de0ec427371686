"""Layers as values: what a layer is, never what it does to numbers.

A layer is a frozen dataclass. From it and the shape it is given follow its output shape, the shapes of its
parameters and its multiply-adds; every engine reads these same values. Shapes are those of one image without
the batch: ``(features,)`` or ``(channels, height, width)``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar

from tenfold.errors import NetworkError, lookup

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """What every layer promises. The methods describe; the engines compute."""

    activation: ClassVar[bool] = False
    """Whether the layer is an elementwise nonlinearity, shown on the row of the layer before it."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that comes out when `shape` goes in; raise `NetworkError` if it does not fit."""
        return shape

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return the shape of each trained array, by name."""
        return {}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        """Return the shape of each array that is kept but not trained (running means), by name."""
        return {}

    def multiply_adds(self, shape: Shape) -> int:
        """Return the multiply-adds for one image. Only Dense and Conv have any; the rest is negligible."""
        return 0


def _pair_of_dimensions(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise NetworkError(
            f"{layer} needs an image of shape (channels, height, width), got {shape}. "
            "Put it before Flatten, and give the network an image as input."
        )
    return shape[0], shape[1], shape[2]


def _positive(layer: Layer, **values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise NetworkError(
                f"{type(layer).__name__}: {name} must be an integer >= 1. Got {value!r} instead."
            )


@dataclass(frozen=True)
class Dense(Layer):
    """Every output sees every input: ``y = x @ weight.T + bias``.

    Attributes
    ----------
    units : int
        Number of outputs.
    bias : bool
        Whether a constant is added to each output.
    """

    units: int
    bias: bool = True

    def __post_init__(self) -> None:
        _positive(self, units=self.units)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise NetworkError(f"{self} needs a flat input, got shape {shape}. Put Flatten() before it.")
        return (self.units,)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        weight = {"weight": (self.units, *shape)}
        return weight | {"bias": (self.units,)} if self.bias else weight

    def multiply_adds(self, shape: Shape) -> int:
        return self.units * shape[0]


@dataclass(frozen=True)
class Conv(Layer):
    """Two-dimensional convolution (cross-correlation, as every framework has it).

    Attributes
    ----------
    channels : int
        Number of output channels.
    kernel : int
        Height and width of the kernel.
    stride : int
    padding : int or "same"
        Zeros added on each side. "same" keeps height and width at stride 1 (odd kernels only).
    groups : int
        Into how many independent groups the channels are divided.
    bias : bool
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int | str = 0
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        _positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride, groups=self.groups)
        same = self.padding == "same"
        if not same and (not isinstance(self.padding, int) or self.padding < 0):
            raise NetworkError(
                f"Conv: padding must be an integer >= 0 or 'same'. Got {self.padding!r} instead."
            )
        if same and (self.kernel % 2 == 0 or self.stride != 1):
            raise NetworkError(
                "Conv: padding 'same' needs an odd kernel and stride 1; give a number instead."
            )

    @property
    def pad(self) -> int:
        """The padding in pixels on each side."""
        return (self.kernel - 1) // 2 if self.padding == "same" else int(self.padding)

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = _pair_of_dimensions(self, shape)
        if channels % self.groups or self.channels % self.groups:
            raise NetworkError(
                f"{self}: {channels} input and {self.channels} output channels cannot be divided into "
                f"{self.groups} groups."
            )
        return (self.channels, *_slide(self, height, width, self.kernel, self.stride, self.pad))

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        weight: dict[str, Shape] = {
            "weight": (self.channels, shape[0] // self.groups, self.kernel, self.kernel)
        }
        return weight | {"bias": (self.channels,)} if self.bias else weight

    def multiply_adds(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (shape[0] // self.groups) * self.kernel**2


@dataclass(frozen=True)
class DepthwiseConv(Layer):
    """A convolution in which each channel has a kernel of its own.

    Attributes
    ----------
    kernel, stride, padding, bias
        As in `Conv`.
    """

    kernel: int
    stride: int = 1
    padding: int | str = 0
    bias: bool = True

    def __post_init__(self) -> None:
        self.as_conv(1)

    def as_conv(self, channels: int) -> Conv:
        """Return the grouped convolution that this is for `channels` input channels."""
        return Conv(channels, self.kernel, self.stride, self.padding, groups=channels, bias=self.bias)

    def output_shape(self, shape: Shape) -> Shape:
        channels, _, _ = _pair_of_dimensions(self, shape)
        return self.as_conv(channels).output_shape(shape)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        return self.as_conv(shape[0]).parameters(shape)

    def multiply_adds(self, shape: Shape) -> int:
        return self.as_conv(shape[0]).multiply_adds(shape)


def _slide(layer: Layer, height: int, width: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    rows = (height + 2 * padding - kernel) // stride + 1
    columns = (width + 2 * padding - kernel) // stride + 1
    if height + 2 * padding < kernel or width + 2 * padding < kernel:
        raise NetworkError(
            f"{layer} does not fit an image of {height} x {width}: the window of {kernel} is larger. "
            "Use a smaller kernel, more padding, or fewer pooling layers before it."
        )
    return rows, columns


@dataclass(frozen=True)
class _Pool(Layer):
    size: int
    stride: int | None = None

    def __post_init__(self) -> None:
        _positive(self, size=self.size, stride=self.step)

    @property
    def step(self) -> int:
        """The stride; the window's size where none was given."""
        return self.size if self.stride is None else self.stride

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = _pair_of_dimensions(self, shape)
        return (channels, *_slide(self, height, width, self.size, self.step, 0))


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest value in each window. Rows and columns that do not fill a window are dropped.

    Attributes
    ----------
    size : int
        Height and width of the window.
    stride : int or None
        None: the size.
    """


@dataclass(frozen=True)
class AveragePool(_Pool):
    """The mean of each window. Attributes as in `MaxPool`."""


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """The mean of each channel: ``(channels, height, width)`` becomes ``(channels,)``."""

    def output_shape(self, shape: Shape) -> Shape:
        return (_pair_of_dimensions(self, shape)[0],)


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets each value to zero with probability `rate` while training, and scales the rest by 1 / (1 - rate).

    Attributes
    ----------
    rate : float in [0, 1)
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise NetworkError(f"Dropout: rate must be in [0, 1). Got {self.rate!r} instead.")


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalizes each channel over the batch, then scales and shifts it (Ioffe and Szegedy, 2015).

    In evaluation the running statistics are used: ``running = (1 - momentum) * running + momentum * batch``,
    with the batch's unbiased variance, as torch does.

    Attributes
    ----------
    momentum : float in (0, 1]
        How much of each batch enters the running statistics.
    epsilon : float > 0
        Added to the variance.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise NetworkError(f"BatchNorm: momentum must be in (0, 1]. Got {self.momentum!r} instead.")
        if not self.epsilon > 0:
            raise NetworkError(f"BatchNorm: epsilon must be > 0. Got {self.epsilon!r} instead.")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3):
            raise NetworkError(f"{self} needs (features,) or (channels, height, width), got {shape}.")
        return shape

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (shape[0],), "bias": (shape[0],)}

    def statistics(self, shape: Shape) -> dict[str, Shape]:
        return {"mean": (shape[0],), "variance": (shape[0],)}


@dataclass(frozen=True)
class Flatten(Layer):
    """``(channels, height, width)`` becomes ``(channels * height * width,)``, channels slowest."""

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


@dataclass(frozen=True)
class Residual(Layer):
    """``body(x) + shortcut(x)`` (He et al., 2016).

    Attributes
    ----------
    body : tuple of Layer
    shortcut : tuple of Layer
        Empty: x itself.
    """

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        if not self.body:
            raise NetworkError("Residual: body must hold at least one layer.")

    def output_shape(self, shape: Shape) -> Shape:
        ends = []
        for branch in (self.body, self.shortcut):
            end = shape
            for layer in branch:
                end = layer.output_shape(end)
            ends.append(end)
        if ends[0] != ends[1]:
            raise NetworkError(
                f"Residual: the body gives {ends[0]} and the shortcut {ends[1]}; make them equal."
            )
        return ends[0]


@dataclass(frozen=True)
class ReLU(Layer):
    """``max(x, 0)``."""

    activation = True


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """``x`` where positive, else ``slope * x``."""

    slope: float = 0.01
    activation = True


@dataclass(frozen=True)
class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``."""

    activation = True


@dataclass(frozen=True)
class Tanh(Layer):
    """Hyperbolic tangent."""

    activation = True


@dataclass(frozen=True)
class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` over the features, or over the channels at each place of an image.

    As a hidden layer. A network ends with the logits: the loss and the prediction apply the last softmax.
    """

    activation = True


@dataclass(frozen=True)
class GELU(Layer):
    """``x * Phi(x)`` with the exact normal distribution function (Hendrycks and Gimpel, 2016)."""

    activation = True


LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Dense,
        Conv,
        DepthwiseConv,
        MaxPool,
        AveragePool,
        GlobalAveragePool,
        Dropout,
        BatchNorm,
        Flatten,
        Residual,
        ReLU,
        LeakyReLU,
        Sigmoid,
        Tanh,
        Softmax,
        GELU,
    )
}


def to_dict(layer: Layer) -> dict[str, Any]:
    """Return the layer as plain JSON values, its type under "type"."""
    values: dict[str, Any] = {"type": type(layer).__name__}
    for item in fields(layer):
        value = getattr(layer, item.name)
        values[item.name] = [to_dict(inner) for inner in value] if isinstance(value, tuple) else value
    return values


def from_dict(values: dict[str, Any]) -> Layer:
    """Return the layer that `to_dict` wrote.

    Raises
    ------
    UnknownNameError
        The type is none of `LAYERS`.
    NetworkError
        A field is missing, unknown or out of range.
    """
    kind = lookup("layer", values.get("type", ""), LAYERS)
    known = {item.name for item in fields(kind)}
    given = {name: value for name, value in values.items() if name != "type"}
    for name in given:
        if name not in known:
            raise NetworkError(f"{kind.__name__} has no field {name!r}. Fields: {', '.join(sorted(known))}.")
    for name, value in given.items():
        if isinstance(value, list):
            given[name] = tuple(from_dict(inner) for inner in value)
    try:
        layer: Layer = kind(**given)
    except TypeError as error:
        raise NetworkError(f"{kind.__name__}: {error}.") from None
    return layer
