"""A network as one C99 file and its header: tables, loops and a block of static memory.

Nothing is allocated, and the int8 form needs no library at all; the float32 form takes exponentials from
``math.h``. Values lie channel by channel, as everywhere in Tenfold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from tenfold.errors import ExportError
from tenfold.export.calls import Calls, Language, calls
from tenfold.export.quantize import QuantizedProgram
from tenfold.export.template import fill
from tenfold.networks.program import Array, Program, picture_shape

_TYPES = {
    "float32": "float",
    "int8": "int8_t",
    "int32": "int32_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
}
_FACTS = (
    *("network", "parameters", "arithmetic", "classes", "temperature"),
    *("thresholds", "data", "data_sha256", "weights_sha256"),
)
_NAMED = {"parameters": "parameters, folded"}
_WIDTH = 110


@dataclass(frozen=True)
class Source:
    """A network in C.

    Attributes
    ----------
    code, header : str
        What goes into the two files.
    table_bytes : int
        The constant tables, exactly.
    memory_bytes : int
        The static working memory, exactly. Besides there are the stack and the caller's arrays.
    """

    code: str
    header: str
    table_bytes: int
    memory_bytes: int


def render(
    program: Program, *, prefix: str, header_name: str, temperature: float, stated: Mapping[str, str]
) -> Source:
    """Return the C form of a program, of float32 or of integers.

    Parameters
    ----------
    program : Program or QuantizedProgram
        Folded.
    prefix : str
        What the names of the functions begin with; see `identifier`.
    header_name : str
        Under which the code includes its header.
    temperature : float
        Divides the logits; of integers it is in the program already.
    stated : mapping
        What the opening comment says about the model.
    """
    body = calls(program, C)
    words: dict[str, object] = {
        "prefix": prefix,
        "macro": prefix.upper(),
        "classes": prod(program.operations[-1].shape),
        "pixels": prod(program.input_shape),
    }
    if isinstance(program, QuantizedProgram):
        words["step"] = program.confidence.step
        body.tables["powers_of_two"] = program.confidence.powers
        includes, element, logit = "", "int8_t", "int16_t"
    else:
        words["inverse"] = _number(np.float32(1 / temperature))
        body.need("softmax")
        includes, element, logit = "\n#include <math.h>\n", "float", "float"
    functions = [fill(body.template, name, **more) for name, more in body.functions()]
    lines = "\n".join(f"    {_wrapped(line)}" for line in body.lines)
    parts = [
        _comment(f"{stated['network']}, made by {stated['producer']}; {header_name} says how to use it."),
        f'#include "{header_name}"\n{includes}',
        *(_table(name, values) for name, values in body.tables.items()),
        f"static {element} memory[{body.elements}];\n" if body.elements else "",
        *functions,
        f"void {prefix}_logits(const uint8_t *pixels, {logit} *logits)\n{{\n{lines}\n}}\n",
        fill(body.template, "classify", **words),
        fill(body.template, "main", **words),
    ]
    header = _header(program, body, words, logit, stated)
    return Source("\n".join(part for part in parts if part), header, body.table_bytes, body.memory_bytes)


def identifier(name: str) -> str:
    """Return `name` as the beginning of C names: lower-case letters, digits and underscores.

    Raises
    ------
    ExportError
        Nothing of it is left.
    """
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not found:
        raise ExportError(
            f"{name!r} cannot begin the name of a C function. Name the file in letters or digits."
        )
    return found if found[0].isalpha() else f"net_{found}"


def _header(
    program: Program, body: Calls, words: Mapping[str, object], logit: str, stated: Mapping[str, str]
) -> str:
    macro, prefix = words["macro"], words["prefix"]
    picture = " x ".join(map(str, picture_shape(program.input_shape)))
    if isinstance(program, QuantizedProgram):
        certain, probability = "65535", "uint16_t"
        scale = program.grids[program.output].scale
        meaning = f"One step of a logit is {scale:.9g}."
        needs = "No library is needed."
    else:
        certain, probability = "1", "float"
        meaning, needs = "The logits are not yet divided by the temperature.", "Link with -lm."
    code_bytes = code_estimate(body)
    comment = [
        f"A network for handwritten digits, made by {stated['producer']}.",
        "",
        *(f"{_NAMED.get(key, key)}: {stated[key]}" for key in _FACTS if key in stated),
        "",
        f"Takes {picture} bytes of one picture, row by row, ink 255 on paper 0.",
        f"C99 with an int of 32 bits. Nothing is allocated. {needs}",
        f"Read-only memory: {body.table_bytes:,} bytes of tables, "
        f"and up to {code_bytes:,} bytes of code and alignment (gcc -Os, x86-64).",
        f"Working memory: {body.memory_bytes:,} bytes, static: not for several threads at once.",
    ]
    return "\n".join(
        [
            _comment(*comment),
            f"#ifndef {macro}_H\n#define {macro}_H\n\n#include <stdint.h>\n",
            f"#define {macro}_PIXELS {words['pixels']}",
            f"#define {macro}_CLASSES {words['classes']}",
            f"#define {macro}_TABLE_BYTES {body.table_bytes}",
            f"#define {macro}_MEMORY_BYTES {body.memory_bytes}\n",
            '#ifdef __cplusplus\nextern "C" {\n#endif\n',
            f"/* Returns the most probable label; writes all probabilities, {certain} for certainty. */",
            f"int {prefix}_classify(const uint8_t *pixels, {probability} *probabilities);\n",
            f"/* Writes the logits. {meaning} */",
            f"void {prefix}_logits(const uint8_t *pixels, {logit} *logits);\n",
            "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
        ]
    )


def code_estimate(body: Calls) -> int:
    """Return at most how many bytes the code takes, and what lies between the tables to align them.

    Measured with gcc 12 -Os on x86-64, rounded up.
    """
    functions = sum(_CODE_BYTES.get(name, 100) for name in body.used)
    calls = sum(_CALL_BYTES + _ARGUMENT_BYTES * (line.count(",") + 1) for line in body.lines)
    alignment = sum(-values.nbytes % _ALIGNMENT for values in body.tables.values())
    return _FRAME_BYTES + functions + calls + alignment


_CODE_BYTES = {
    "conv": 560,
    "conv/int8": 830,
    "conv/int16": 830,
    "dense": 200,
    "dense/int8": 200,
    "dense/int16": 200,
    "max_pool": 200,
    "mean": 260,
    "mean/int8": 300,
    "mean/int16": 300,
    "softmax": 260,
    "gelu": 120,
    "add": 160,
}
_CALL_BYTES, _ARGUMENT_BYTES, _ALIGNMENT, _FRAME_BYTES = 10, 4, 32, 500


def _comment(*lines: str) -> str:
    """Return lines as a comment that nothing in them can end."""
    safe = [
        re.sub(r"[^\x20-\x7e]", ".", line).replace("*/", "* /").replace("/*", "/ *").replace("??", "..")
        for line in lines
    ]
    if len(safe) == 1:
        return f"/* {safe[0]} */\n"
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in safe), " */\n"])


def _table(name: str, values: Array) -> str:
    lines, line = [], "   "
    for text in map(_number, values.ravel().tolist()):
        if len(line) + len(text) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {text},"
    lines.append(line)
    rows = "\n".join(lines)
    return f"static const {_TYPES[str(values.dtype)]} {name}[{values.size}] = {{\n{rows}\n}};\n"


def _number(value: object) -> str:
    """Return a number as C writes it, to the last bit."""
    if isinstance(value, np.unsignedinteger):
        return f"{value}u"
    if not isinstance(value, float | np.floating):
        return f"{value}"
    text = f"{float(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _wrapped(call: str) -> str:
    """Return a call, broken where it is too long for a line."""
    lines, line = [], ""
    for word in call.split(" "):
        if len(line) + len(word) + 5 > _WIDTH:
            lines.append(line)
            line = "   "
        line = f"{line} {word}" if line else word
    return "\n    ".join([*lines, line])


C = Language("c", _number, lambda start: f"memory + {start}")
