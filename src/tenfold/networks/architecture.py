"""A network is a value: a named list of layers you can print, compare, hash and store."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import prod
from types import NoneType
from typing import Any, get_args, get_type_hints

from tenfold.errors import NetworkError, UnknownNameError
from tenfold.networks.layers import Layer, Residual, Shape, from_dict, to_dict

_NAMES = {
    "DepthwiseConv": "conv",
    "BatchNorm": "norm",
    "MaxPool": "pool",
    "AveragePool": "pool",
    "GlobalAveragePool": "pool",
}


_KINDS = {int: "an integer", float: "a number", str: "a text", bool: "true or false", NoneType: "nothing"}


@dataclass(frozen=True)
class Node:
    """A layer in its place: its name, and the shapes that go in and come out.

    Attributes
    ----------
    name : str
        Unique in the network ("conv1"). The keys of the weights are made of it ("conv1.weight").
    layer : Layer
    input_shape, output_shape : tuple of int
        Of one image, without the batch.
    body, shortcut : tuple of Node
        The nodes inside a `Residual`; empty elsewhere.
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    body: tuple[Node, ...] = ()
    shortcut: tuple[Node, ...] = ()

    @property
    def parameters(self) -> dict[str, Shape]:
        """The shape of each trained array of this node alone, by key."""
        shapes = self.layer.parameters(self.input_shape)
        return {f"{self.name}.{name}": shape for name, shape in shapes.items()}

    @property
    def statistics(self) -> dict[str, Shape]:
        """The shape of each untrained array of this node alone, by key."""
        shapes = self.layer.statistics(self.input_shape)
        return {f"{self.name}.{name}": shape for name, shape in shapes.items()}

    def walk(self) -> Iterator[Node]:
        """Yield this node, then those inside it, in the order of computation."""
        yield self
        for inner in (*self.body, *self.shortcut):
            yield from inner.walk()


@dataclass(frozen=True)
class Architecture:
    """A network: what goes in, and the layers it passes.

    Attributes
    ----------
    input_shape : tuple of int
        ``(features,)`` or ``(channels, height, width)``. Images are reshaped to it.
    layers : tuple of Layer
        The last must give one logit a class; there is no softmax at the end.
    mean, std : float
        Every input is scaled to [0, 1] if it is uint8, then becomes ``(x - mean) / std``.
    name : str
        What it is called. Not part of what the network is: two that differ in name alone are equal.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    mean: float = 0.0
    std: float = 1.0
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        whole = all(isinstance(size, int) and size >= 1 for size in self.input_shape)
        if len(self.input_shape) not in (1, 3) or not whole:
            raise NetworkError(
                "The input must be (features,) or (channels, height, width), integers >= 1. "
                f"Got {self.input_shape} instead."
            )
        if not self.layers:
            raise NetworkError("A network needs at least one layer.")
        if not self.std > 0:
            raise NetworkError(f"std must be > 0. Got {self.std!r} instead.")
        if len(self.output_shape) != 1:
            raise NetworkError(
                f"The network ends with shape {self.output_shape}, not with one logit a class. "
                "End it with Flatten() and Dense(classes), or with GlobalAveragePool()."
            )

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The layers in their places, in order. A layer that does not fit raises `NetworkError`."""
        return _place(self.layers, self.input_shape, Counter(), "")

    @property
    def output_shape(self) -> Shape:
        """``(classes,)``."""
        return self.nodes[-1].output_shape

    @property
    def classes(self) -> int:
        """The number of logits."""
        return self.output_shape[0]

    def walk(self) -> Iterator[Node]:
        """Yield every node, those inside residual blocks too, in the order of computation."""
        for node in self.nodes:
            yield from node.walk()

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The shape of every trained array, by key ("conv1.weight"), in the order of computation."""
        return {key: shape for node in self.walk() for key, shape in node.parameters.items()}

    @cached_property
    def statistic_shapes(self) -> dict[str, Shape]:
        """The shape of every array that is kept but not trained, by key ("norm1.mean")."""
        return {key: shape for node in self.walk() for key, shape in node.statistics.items()}

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(prod(shape) for shape in self.parameter_shapes.values())

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of the dense and convolutional layers for one image."""
        return sum(node.layer.multiply_adds(node.input_shape) for node in self.walk())

    def named(self, name: str) -> Architecture:
        """Return the same network under another name."""
        return replace(self, name=name)

    def change(self, settings: Mapping[str, Any]) -> Architecture:
        """Return the network with some layers changed, by name and field (``{"dropout1.rate": 0.3}``).

        Raises
        ------
        UnknownNameError
            There is no such layer, or it has no such field.
        NetworkError
            A value is out of range, or the layers no longer fit together.
        """
        wanted: dict[str, dict[str, Any]] = {}
        known = {
            f"{node.name}.{item.name}"
            for node in self.walk()
            for item in fields(node.layer)
            if not isinstance(getattr(node.layer, item.name), tuple)
        }
        for key, value in settings.items():
            if key not in known:
                raise UnknownNameError("setting of the network", key, known)
            name, _, item = key.rpartition(".")
            wanted.setdefault(name, {})[item] = value
        return replace(self, layers=tuple(_changed(node, wanted) for node in self.nodes))

    def to_dict(self) -> dict[str, Any]:
        """Return the network as plain JSON values."""
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "mean": float(self.mean),
            "std": float(self.std),
            "layers": [to_dict(layer) for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Architecture:
        """Return the network that `to_dict` wrote; raise `NetworkError` where it makes no network."""
        if not isinstance(values, dict):
            raise NetworkError("A network is described by a table of input_shape, layers and more.")
        for key in ("input_shape", "layers"):
            if key not in values:
                raise NetworkError(f"A network needs input_shape and layers; it has no {key!r}.")
            if not isinstance(values[key], list | tuple):
                raise NetworkError(f"{key} must be a list. Got {values[key]!r} instead.")
        for layer in values["layers"]:
            if not isinstance(layer, dict):
                raise NetworkError(f'A layer must be a table with its "type". Got {layer!r} instead.')
        try:
            return cls(
                input_shape=tuple(values["input_shape"]),
                layers=tuple(from_dict(layer) for layer in values["layers"]),
                mean=float(values.get("mean", 0.0)),
                std=float(values.get("std", 1.0)),
                name=str(values.get("name", "")),
            )
        except (NetworkError, UnknownNameError) as error:
            raise NetworkError(str(error)) from None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise NetworkError(f"A value of the network has the wrong type: {error}.") from None

    @property
    def sha256(self) -> str:
        """The hash of everything but the name."""
        values = self.to_dict()
        del values["name"]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _changed(node: Node, wanted: Mapping[str, dict[str, Any]]) -> Layer:
    layer = node.layer
    if isinstance(layer, Residual):
        layer = replace(
            layer,
            body=tuple(_changed(inner, wanted) for inner in node.body),
            shortcut=tuple(_changed(inner, wanted) for inner in node.shortcut),
        )
    given = wanted.get(node.name, {})
    hints = get_type_hints(type(layer))
    for name, value in given.items():
        allowed = get_args(hints[name]) or (hints[name],)
        if type(value) not in allowed and not (type(value) is int and float in allowed):
            kinds = " or ".join(_KINDS[kind] for kind in allowed)
            raise NetworkError(f"{node.name}.{name} must be {kinds}. Got {value!r} instead.")
    return replace(layer, **given)


def _place(layers: tuple[Layer, ...], shape: Shape, counts: Counter[str], prefix: str) -> tuple[Node, ...]:
    nodes = []
    for layer in layers:
        kind = type(layer).__name__
        kind = _NAMES.get(kind, kind.lower())
        counts[kind] += 1
        name = f"{prefix}{kind}{counts[kind]}"
        output_shape = layer.output_shape(shape)
        body: tuple[Node, ...] = ()
        shortcut: tuple[Node, ...] = ()
        if isinstance(layer, Residual):
            inner: Counter[str] = Counter()
            body = _place(layer.body, shape, inner, f"{name}.")
            shortcut = _place(layer.shortcut, shape, inner, f"{name}.shortcut.")
        nodes.append(Node(name, layer, shape, output_shape, body, shortcut))
        shape = output_shape
    return tuple(nodes)


def network(*input_shape: int, mean: float = 0.0, std: float = 1.0) -> Callable[..., Architecture]:
    """Return a function that makes a network of the layers it is given.

    Parameters
    ----------
    *input_shape : int
        ``network(784)`` for features, ``network(28, 28)`` for gray images, ``network(3, 32, 32)`` for more
        channels.
    mean, std : float
        As in `Architecture`.

    Examples
    --------
    >>> from tenfold.networks.layers import Dense, ReLU
    >>> network(784)(Dense(32), ReLU(), Dense(10)).parameters
    25450
    """
    shape = (1, *input_shape) if len(input_shape) == 2 else input_shape

    def of(*layers: Layer, name: str = "") -> Architecture:
        return Architecture(shape, layers, mean, std, name)

    return of
