"""A network as one JavaScript module that needs nothing else, for browsers and Node."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from tenfold.export.calls import Calls, Language, calls
from tenfold.export.quantize import QuantizedProgram
from tenfold.export.template import fill
from tenfold.networks.program import Program, picture_shape

_ARRAYS = {
    "float32": "Float32Array",
    "int8": "Int8Array",
    "int32": "Int32Array",
    "uint8": "Uint8Array",
    "uint16": "Uint16Array",
}


@dataclass(frozen=True)
class Source:
    """A network in JavaScript.

    Attributes
    ----------
    code : str
        The module.
    table_bytes, memory_bytes : int
        The weights and the working memory, once it is loaded.
    """

    code: str
    table_bytes: int
    memory_bytes: int


def render(program: Program, *, temperature: float, stated: Mapping[str, str]) -> Source:
    """Return the JavaScript form of a program, of float32 or of integers.

    Parameters
    ----------
    program : Program or QuantizedProgram
        Folded.
    temperature : float
        Divides the logits before the softmax.
    stated : mapping of str
        What the module says about the model; ``classes`` is a JSON list.
    """
    body = calls(program, JAVASCRIPT)
    if isinstance(program, QuantizedProgram):
        scale, width = program.grids[program.output].scale, 1
        element, array, meaning = "Int8Array", "Int16Array", f", in steps of {scale:.9g}"
    else:
        scale, width, element, array, meaning = 1.0, 4, "Float32Array", "Float32Array", ""
    data, tables = _tables(body)
    count = prod(program.operations[-1].shape)
    parts = [
        fill(
            "module.mjs",
            "head",
            title=f"A network for handwritten digits: {_literal(stated['network'])}.",
            picture=" x ".join(map(str, picture_shape(program.input_shape))),
            producer=stated["producer"],
            metadata=_literal(dict(stated)),
            classes=_literal(json.loads(stated["classes"])),
        ),
        fill("module.mjs", "tables", data=data, tables=tables, element=element, elements=body.elements),
        *(fill(body.template, name, **words) for name, words in body.functions()),
        fill(
            "module.mjs",
            "interface",
            lines="\n".join(f"  {line}" for line in body.lines),
            pixels=prod(program.input_shape),
            array=array,
            meaning=meaning,
            count=count,
            factor=repr(scale / temperature),
        ),
    ]
    return Source("\n".join(parts), body.table_bytes, width * body.elements)


def _tables(body: Calls) -> tuple[str, str]:
    """Return all tables in base64, and the lines that name them."""
    content = bytearray()
    lines = []
    # The widest first: every array then starts where its numbers may start.
    for name, values in sorted(body.tables.items(), key=lambda item: -item[1].itemsize):
        kind = _ARRAYS[str(values.dtype)]
        lines.append(f"const {name} = new {kind}(data, {len(content)}, {values.size});")
        content += values.astype(values.dtype.newbyteorder("<")).tobytes()
    return base64.b64encode(content).decode(), "\n".join(lines)


def _literal(value: object) -> str:
    """Return a value as JavaScript writes it, safe in a comment of one line and in a page."""
    return json.dumps(value).replace("<", "\\u003c")


def _number(value: object) -> str:
    """Return a number as JavaScript writes it, to the last bit of float32."""
    return f"{float(value):.9g}" if isinstance(value, float | np.floating) else f"{value}"


JAVASCRIPT = Language("mjs", _number, lambda start: f"memory.subarray({start})")
