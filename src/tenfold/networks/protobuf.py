"""Protocol buffers as bytes, as far as ONNX is made of them.

A message is its fields one after another, each a number, a kind and a value. Only what ONNX writes is here,
so that the base install, which runs networks, need not carry the 30 MB of the ``onnx`` package.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

Value = int | float | str | bytes
Field = tuple[int, Value]

_VARINT, _LENGTH, _FIXED32 = 0, 2, 5


def message(fields: Iterable[Field]) -> bytes:
    """Return the message of `fields`, in their order; a field that repeats stands there several times.

    Parameters
    ----------
    fields : iterable of (number, value)
        An int is written as int64, a float as float32, a text as UTF-8; bytes are as they are: the content
        of a bytes field, or another message.
    """
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Return a whole number >= 0 in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
