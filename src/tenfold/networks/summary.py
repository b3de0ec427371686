"""The table of a network's layers, as the appendices of papers print it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from tenfold.networks.architecture import Architecture, Node
from tenfold.networks.layers import Shape


@dataclass(frozen=True)
class Row:
    """One layer, with the activation that follows it.

    Attributes
    ----------
    name : str
        Of the layer ("conv1"); inside a residual block with the block's before it ("residual1.conv1").
    type : str
        The layer's class ("Conv").
    output_shape : tuple of int
        In the order of the papers: ``(height, width, channels)`` or ``(features,)``.
    parameters, multiply_adds : int
        Of this layer alone. A residual block has none of its own: those inside it have rows of their own.
    activation : str or None
        The class of the elementwise activation that follows, which then has no row of its own.
    nodes : tuple of Node
        The layer in its place, and the activation in its place where there is one.
    block : str
        What the names in the residual block around it begin with ("residual1."); empty outside.
    depth : int
        How many residual blocks the layer lies in.
    """

    name: str
    type: str
    output_shape: Shape
    parameters: int
    multiply_adds: int
    activation: str | None
    nodes: tuple[Node, ...]
    block: str = ""
    depth: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return {
            "name": self.name,
            "type": self.type,
            "output_shape": list(self.output_shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "activation": self.activation,
        }


@dataclass(frozen=True)
class Summary:
    """A network's table.

    Attributes
    ----------
    name : str
    input_shape : tuple of int
        As in `Row`.
    rows : tuple of Row
        In the order of computation. The last softmax has no place in it: networks end with the logits.
    """

    name: str
    input_shape: Shape
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """The sum of the column."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """The sum of the column, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "input_shape": list(self.input_shape),
            "layers": [row.to_dict() for row in self.rows],
        }

    def __str__(self) -> str:
        """Return the table as aligned plain text, the totals last."""
        heads = ("Layer", "Type", "Output shape", "Activation", "Parameters", "Multiply-adds")
        cells = [
            (
                "  " * row.depth + row.name.removeprefix(row.block),
                row.type,
                shape_text(row.output_shape),
                row.activation or "",
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
            )
            for row in self.rows
        ]
        total = ("Total", "", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        widths = [max(map(len, column)) for column in zip(heads, *cells, total, strict=True)]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))

        def line(row: tuple[str, ...]) -> str:
            aligned = (
                cell.ljust(width) if place < 4 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            return "  ".join(aligned).rstrip()

        title = f"{self.name or 'Network'}, input {shape_text(self.input_shape)}"
        return "\n".join([title, "", line(heads), rule, *map(line, cells), rule, line(total)])


def summary(architecture: Architecture) -> Summary:
    """Return the table of a network's layers.

    Examples
    --------
    >>> from tenfold.networks import NETWORKS
    >>> [row.parameters for row in summary(NETWORKS["lin-simple-nn"]).rows]
    [25120, 330]
    """
    return Summary(
        architecture.name, channels_last(architecture.input_shape), tuple(table_rows(architecture.nodes))
    )


def table_rows(nodes: tuple[Node, ...], block: str = "", depth: int = 0) -> Iterator[Row]:
    """Yield a row for each of these nodes but the activations that share one, then for those inside it."""
    for row in merged_rows(nodes):
        yield replace(row, block=block, depth=depth)
        first = row.nodes[0]
        for inner in (first.body, first.shortcut):
            yield from table_rows(inner, f"{first.name}.", depth + 1)


def merged_rows(nodes: tuple[Node, ...]) -> list[Row]:
    """Return a row for each of these nodes, an activation on the row of the layer before it."""
    rows: list[Row] = []
    for node in nodes:
        kind = type(node.layer).__name__
        if node.layer.activation and rows and not rows[-1].nodes[-1].layer.activation:
            rows[-1] = replace(rows[-1], activation=kind, nodes=(*rows[-1].nodes, node))
            continue
        rows.append(
            Row(
                name=node.name,
                type=kind,
                output_shape=channels_last(node.output_shape),
                parameters=sum(prod(shape) for shape in node.parameters.values()),
                multiply_adds=node.layer.multiply_adds(node.input_shape),
                activation=None,
                nodes=(node,),
            )
        )
    return rows


def channels_last(shape: Shape) -> Shape:
    """Return ``(height, width, channels)`` for ``(channels, height, width)``; a flat shape as it is."""
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def shape_text(shape: Shape) -> str:
    """Return a shape as people write it ("26 × 26 × 32")."""
    return " × ".join(map(str, shape))
