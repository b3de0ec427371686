"""A picture of a network, as SVG.

A layer that gives an image is a stack of sheets: their size follows height and width, their number the
channels. A layer that gives features is a column of neurons. What is drawn follows from the summary's rows.
The picture grows downward, not to the right: a line that is full goes on below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import log2, sqrt

from tenfold.networks.architecture import Architecture, Node
from tenfold.networks.layers import (
    AveragePool,
    Conv,
    DepthwiseConv,
    Dropout,
    MaxPool,
    Residual,
    Shape,
)
from tenfold.networks.summary import Row, channels_last, merged_rows, shape_text

LINE = 780
"""The width that a line of layers may have; one residual block may be wider."""

_ART = 132  # height of the band with the sheets and neurons; the labels stand below it
_TEXT = 15  # height of a line of text
_SHEET = 3.5  # how far each sheet is shifted from the one before it
_GAP = 34  # between two layers
_FLAT = 88  # the least width of a column of neurons
_PAD = 12  # around the layers in a residual block's frame
_NEURONS = 10

_KINDS = {
    "Conv": "conv",
    "DepthwiseConv": "conv",
    "Dense": "dense",
    "MaxPool": "pool",
    "AveragePool": "pool",
    "GlobalAveragePool": "pool",
    "Dropout": "drop",
}

# Tints of the Okabe-Ito colors, which the color-blind can tell apart; the labels say the same in words.
_STYLE = """
.tenfold-diagram{color-scheme:light dark;max-width:100%;height:auto;font:12px system-ui,sans-serif}
.tenfold-diagram text{fill:currentColor;text-anchor:middle}
.tenfold-diagram .left{text-anchor:start}
.tenfold-diagram .strong{font-weight:600}
.tenfold-diagram .faint{opacity:.7}
.tenfold-diagram .line{fill:none;stroke:currentColor;stroke-width:1.2;opacity:.6;stroke-linejoin:round}
.tenfold-diagram .mesh{fill:none;stroke:currentColor;stroke-width:.6;opacity:.16}
.tenfold-diagram .tip{fill:currentColor;opacity:.6}
.tenfold-diagram .frame{fill:none;stroke:currentColor;stroke-dasharray:4 4;opacity:.4}
.tenfold-diagram .shape{fill:#ececec;stroke:#6b6b6b}
.tenfold-diagram .conv{fill:#d3e7f6;stroke:#0072b2}
.tenfold-diagram .dense{fill:#fbe3c0;stroke:#b36b00}
.tenfold-diagram .pool{fill:#cdeee3;stroke:#00805c}
.tenfold-diagram .drop{fill:#f7e6ef;stroke:#a3567f;stroke-dasharray:2 2}
@media (prefers-color-scheme:dark){
.tenfold-diagram .shape{fill:#3a3a3a;stroke:#a8a8a8}
.tenfold-diagram .conv{fill:#12385a;stroke:#56b4e9}
.tenfold-diagram .dense{fill:#4d3408;stroke:#f0b040}
.tenfold-diagram .pool{fill:#0b4032;stroke:#3fc9a0}
.tenfold-diagram .drop{fill:#3d2432;stroke:#df9cc3}
}
""".strip()


@dataclass
class _Pen:
    """Collects SVG elements."""

    parts: list[str] = field(default_factory=list)

    def add(self, element: str) -> None:
        self.parts.append(element)

    def text(self, x: float, y: float, text: str, style: str = "") -> None:
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>')

    def path(self, points: str, style: str = "line") -> None:
        self.add(f'<path class="{style}" d="{points}"/>')

    def circle(self, x: float, y: float, radius: float, style: str) -> None:
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{style}"/>')

    def arrow(self, x: float, y: float) -> None:
        """Draw the tip of an arrow that points right and ends at (x, y)."""
        self.path(f"M{x:.1f} {y:.1f}l-7 -3.5v7z", "tip")


@dataclass(frozen=True)
class _Column:
    """One layer: its sheets or neurons, and its labels below. Of no shape: the plus of a residual block."""

    shape: Shape
    kind: str
    labels: tuple[tuple[str, str], ...]
    names: str
    scale: float
    """Pixels for the root of a side's length, the same in all of a network."""

    @property
    def width(self) -> float:
        least = _FLAT if len(self.shape) == 1 else self.reach * 2
        return max(least, *(_text_width(text, style == "strong") for text, style in self.labels))

    @property
    def height(self) -> float:
        """Of the labels."""
        return _TEXT * len(self.labels)

    headroom = 0.0

    @property
    def sheets(self) -> int:
        return min(1 + round(log2(self.shape[0])), 9)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of what is drawn."""
        if not self.shape:
            return 18.0, 18.0
        if len(self.shape) == 1:
            return 8.0, min(54 + 6.5 * log2(self.shape[0]), _ART)
        back = _SHEET * (self.sheets - 1)
        return 10 + self.scale * sqrt(self.shape[2]) + back, 10 + self.scale * sqrt(self.shape[1]) + back

    @property
    def reach(self) -> float:
        """How far the drawing reaches to each side of its middle."""
        return self.size[0] / 2

    def neurons(self, y: float) -> list[float]:
        """Return where the neurons stand: all of them, or as many as fit with a gap in their middle."""
        count = min(self.shape[0], _NEURONS)
        places = range(count + 1) if self.shape[0] > _NEURONS else range(count)
        height = self.size[1]
        step = height / max(len(places) - 1, 1)
        tops = [y - (height / 2 if len(places) > 1 else 0) + step * place for place in places]
        return [top for place, top in enumerate(tops) if self.shape[0] <= _NEURONS or place != count // 2]

    def draw(self, pen: _Pen, x: float, y: float) -> None:
        """Draw with the left edge at x and the middle of the drawing at y."""
        middle = x + self.width / 2
        pen.add(f"<g><title>{escape(self.names)}</title>")
        if not self.shape:
            pen.circle(middle, y, 9, "shape")
            pen.path(f"M{middle - 5:.1f} {y:.1f}h10M{middle:.1f} {y - 5:.1f}v10")
        elif len(self.shape) == 1:
            for place, top in enumerate(self.neurons(y)):
                pen.circle(middle, top, 3.6, "shape" if self.kind == "drop" and place % 3 != 1 else self.kind)
            if self.shape[0] > _NEURONS:
                for shift in (-3, 0, 3):
                    pen.circle(middle, y + shift, 0.9, "tip")
        else:
            self.draw_sheets(pen, middle, y)
        for place, (text, style) in enumerate(self.labels):
            pen.text(middle, y + _ART / 2 + _TEXT * (place + 1), text, style)
        pen.add("</g>")

    def draw_sheets(self, pen: _Pen, x: float, y: float) -> None:
        """Draw the stack with its middle at (x, y), the last sheet first."""
        width, height = self.size
        back = _SHEET * (self.sheets - 1)
        for sheet in range(self.sheets):
            left = x - width / 2 + back - _SHEET * sheet
            top = y - height / 2 + _SHEET * sheet
            pen.add(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width - back:.1f}" '
                f'height="{height - back:.1f}" rx="1.5" class="{self.kind}"/>'
            )


@dataclass(frozen=True)
class _Block:
    """A residual block: its body in a frame, and the skip above it."""

    body: tuple[_Column | _Block, ...]
    skip: tuple[str, ...]
    """What the skip passes, a line each; empty where it passes nothing."""
    names: str

    reach = 0.0  # arrows go to its frame and begin there

    @property
    def width(self) -> float:
        inside = sum(part.width for part in self.body) + _GAP * (len(self.body) + 1)
        return max(inside, *(_text_width(text) + 2 * _GAP for text in self.skip), 0)

    @property
    def height(self) -> float:
        return max(part.height for part in self.body) + _PAD

    @property
    def headroom(self) -> float:
        """How far the block reaches above the band of the drawings."""
        return max(part.headroom for part in self.body) + _TEXT * max(len(self.skip), 1) + 2 * _PAD

    def draw(self, pen: _Pen, x: float, y: float) -> None:
        top = y - _ART / 2 - self.headroom
        skip = top + _TEXT * max(len(self.skip), 1) + _PAD
        width = self.width
        pen.add(f"<g><title>{escape(self.names)}</title>")
        pen.add(
            f'<rect class="frame" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{y + _ART / 2 + self.height - top:.1f}" rx="8"/>'
        )
        pen.add("</g>")
        inside = sum(part.width for part in self.body) + _GAP * (len(self.body) - 1)
        left = x + (width - inside) / 2
        plus = left + inside - self.body[-1].width / 2
        fork = x + _GAP / 3
        pen.path(f"M{fork:.1f} {y:.1f}V{skip + 8:.1f}q0 -8 8 -8H{plus - 8:.1f}q8 0 8 8V{y - 10:.1f}")
        pen.path(f"M{plus:.1f} {y - 9:.1f}l-3.5 -7h7z", "tip")
        for place, text in enumerate(self.skip or ("skip",)):
            pen.text((fork + plus) / 2, top + _TEXT * (place + 1), text, "faint")
        _draw_line(pen, self.body, left, y, x)
        pen.path(f"M{plus + 9:.1f} {y:.1f}H{x + width:.1f}")


_Part = _Column | _Block


def _draw_line(pen: _Pen, parts: tuple[_Part, ...], x: float, y: float, start: float | None = None) -> None:
    """Draw parts from left to right, and what joins them; `start` is where the line into the first begins."""
    before: _Part | None = None
    end = start
    for part in parts:
        begin = x + part.width / 2 - part.reach if part.reach else x
        if (
            isinstance(before, _Column)
            and isinstance(part, _Column)
            and end is not None
            and _meshed(before, part)
        ):
            _draw_mesh(pen, before, part, end, begin, y)
        elif end is not None:
            pen.path(f"M{end + 5 if before else end:.1f} {y:.1f}H{begin - 9:.1f}")
            pen.arrow(begin - 4, y)
        part.draw(pen, x, y)
        end = x + part.width / 2 + part.reach if part.reach else x + part.width - 5
        x += part.width + _GAP
        before = part


def _meshed(left: _Column, right: _Column) -> bool:
    return len(left.shape) == len(right.shape) == 1 and (right.kind == "dense" or left.shape == right.shape)


def _draw_mesh(pen: _Pen, left: _Column, right: _Column, start: float, end: float, y: float) -> None:
    """Join every neuron with every one of a dense layer, and with its own one of any other layer."""
    before, after = left.neurons(y), right.neurons(y)
    pairs = (
        [(a, b) for a in before for b in after] if right.kind == "dense" else zip(before, after, strict=True)
    )
    pen.path("".join(f"M{start:.0f} {a:.0f}L{end:.0f} {b:.0f}" for a, b in pairs), "mesh")


def _text_width(text: str, strong: bool = False) -> float:
    # Wide enough for every common sans-serif at 12 px.
    return len(text) * (7.6 if strong else 6.8)


def _detail(node: Node) -> str:
    """Return what a layer's shape does not tell."""
    layer = node.layer
    if isinstance(layer, (Conv, DepthwiseConv)):
        stride = f", stride {layer.stride}" if layer.stride > 1 else ""
        groups = f", {layer.groups} groups" if isinstance(layer, Conv) and layer.groups > 1 else ""
        return f"{layer.kernel} × {layer.kernel}{stride}{groups}"
    if isinstance(layer, (MaxPool, AveragePool)):
        stride = f", stride {layer.step}" if layer.step != layer.size else ""
        return f"{layer.size} × {layer.size}{stride}"
    return f"rate {layer.rate:g}" if isinstance(layer, Dropout) else ""


def _count(parameters: int) -> str:
    return f"{parameters:,} param{'s' if parameters != 1 else ''}" if parameters else ""


def _labels(row: Row) -> tuple[tuple[str, str], ...]:
    lines = (
        (row.type, "strong"),
        (shape_text(row.output_shape), ""),
        (_detail(row.nodes[0]), "faint"),
        (_count(row.parameters), "faint"),
        (f"→ {row.activation}" if row.activation else "", ""),
    )
    return tuple((text, style) for text, style in lines if text)


def _names(row: Row) -> str:
    return ", ".join(f"{node.name}: {node.layer}" for node in row.nodes)


def _parts(nodes: tuple[Node, ...], scale: float) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for row in merged_rows(nodes):
        first = row.nodes[0]
        if isinstance(first.layer, Residual):
            skip = tuple(
                " · ".join(filter(None, (inner.type, _detail(inner.nodes[0]), _count(inner.parameters))))
                + (f" → {inner.activation}" if inner.activation else "")
                for inner in merged_rows(first.shortcut)
            )
            plus = _Column((), "shape", _labels(row)[1:], _names(row), scale)
            hidden = [node for inner in first.shortcut for node in inner.walk()]
            names = "; ".join([first.name, *(f"{node.name}: {node.layer}" for node in hidden)])
            parts.append(_Block((*_parts(first.body, scale), plus), skip, names))
        else:
            kind = _KINDS.get(row.type, "shape")
            if isinstance(first.layer, Dropout) and len(first.output_shape) == 3:
                kind = "drop"
            parts.append(_Column(first.output_shape, kind, _labels(row), _names(row), scale))
    return tuple(parts)


def _lines(parts: tuple[_Part, ...]) -> list[tuple[_Part, ...]]:
    """Break the parts into lines of about the same width, as few as possible."""

    def fill(limit: float) -> list[list[_Part]]:
        lines: list[list[_Part]] = [[]]
        width = 0.0
        for part in parts:
            if lines[-1] and width + _GAP + part.width > limit:
                lines.append([])
                width = 0.0
            width += part.width + (_GAP if lines[-1] else 0)
            lines[-1].append(part)
        return lines

    fewest = len(fill(LINE))
    limit = next(limit for limit in range(100, LINE + 1, 20) if len(fill(limit)) == fewest)
    return [tuple(line) for line in fill(limit)]


def diagram(architecture: Architecture) -> str:
    """Return a picture of the network as one self-contained SVG element.

    It follows the color scheme of the page around it and scales with its width. Pointing at a layer tells its
    name and settings.
    """
    sides = [max(node.output_shape[1:]) for node in architecture.walk() if len(node.output_shape) == 3]
    sides += [max(architecture.input_shape[1:])] if len(architecture.input_shape) == 3 else []
    scale = 78 / sqrt(max(sides, default=1))
    shown = shape_text(channels_last(architecture.input_shape))
    first = _Column(architecture.input_shape, "shape", (("Input", "strong"), (shown, "")), "input", scale)
    lines = _lines((first, *_parts(architecture.nodes, scale)))

    pen = _Pen()
    name = architecture.name or "network"
    title = f"diagram-{architecture.sha256[:12]}-{''.join(c if c.isalnum() else '-' for c in name)}"
    totals = f"{architecture.parameters:,} parameters · {architecture.multiply_adds:,} multiply-adds"
    pen.text(16, 24, name, "strong left")
    pen.text(16, 24 + _TEXT, totals, "faint left")
    widths = [sum(part.width for part in line) + _GAP * (len(line) - 1) for line in lines]
    width = max(*widths, _text_width(totals) - 32) + 32 + 24
    y = 24.0 + 2 * _TEXT
    above = gap = 0.0
    for place, line in enumerate(lines):
        y += max(part.headroom for part in line) + _ART / 2
        if place:
            # The line goes on from the right end of the one above, through the gap between the two.
            end = 28 + widths[place - 1]
            pen.path(
                f"M{end:.1f} {above:.1f}h8q8 0 8 8V{gap - 8:.1f}q0 8 -8 8H16q-8 0 -8 8V{y - 8:.1f}q0 8 8 8"
            )
        _draw_line(pen, line, 28, y, 16 if place else None)
        above, gap = y, y + _ART / 2 + max(part.height for part in line) + 16
        y += _ART / 2 + max(part.height for part in line) + 28
    height = y - 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tenfold-diagram" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-labelledby="{title}">'
        f'<title id="{title}">{escape(name)}: {escape(totals)}</title>'
        f"<style>{_STYLE}</style>{''.join(pen.parts)}</svg>"
    )
