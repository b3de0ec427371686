"""Where each value lies in one block of working memory.

Values whose lives do not meet share their place. A value that is another's numbers (flattened) or may
overwrite them (an activation) takes over its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from tenfold.export.quantize import Lookup, Softmax
from tenfold.networks.program import PICTURE, Activation, Add, Affine, Flatten, Program

_IN_PLACE = Activation | Affine | Lookup | Softmax | Add


@dataclass(frozen=True)
class Plan:
    """The layout of the working memory.

    Attributes
    ----------
    offsets : dict of int
        The first element of each value but the picture and those that lie in the caller's array.
    total : int
        How many elements the block has.
    """

    offsets: dict[int, int]
    total: int


def plan(program: Program, outside: Iterable[int] = ()) -> Plan:
    """Return the layout for `program`; the values `outside` are kept elsewhere.

    The largest blocks are placed first, each at the lowest place that is free for as long as it lives.
    """
    outside = {PICTURE, *outside}
    owner = _owners(program, outside)
    births: dict[int, int] = {}
    deaths: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for moment, each in enumerate(program.operations):
        for value in (*each.inputs, each.output):
            if value not in outside:
                block = owner[value]
                births.setdefault(block, moment)
                deaths[block] = moment
        if each.output not in outside:
            block = owner[each.output]
            sizes[block] = max(sizes.get(block, 0), prod(each.shape))
    if program.output not in outside:
        deaths[owner[program.output]] = len(program.operations)
    starts: dict[int, int] = {}
    for block in sorted(sizes, key=lambda block: (-sizes[block], block)):
        others = [each for each in starts if births[each] <= deaths[block] and births[block] <= deaths[each]]
        start = 0
        for other in sorted(others, key=lambda each: starts[each]):
            if start + sizes[block] <= starts[other]:
                break
            start = max(start, starts[other] + sizes[other])
        starts[block] = start
    total = max((starts[block] + sizes[block] for block in starts), default=0)
    return Plan({value: starts[block] for value, block in owner.items()}, total)


def _owners(program: Program, outside: set[int]) -> dict[int, int]:
    """Return the value whose block each value lies in: its own, or that of the value it takes over."""
    left = program.uses()
    owner: dict[int, int] = {}
    for each in program.operations:
        for place in each.inputs:
            left[place] -= 1
        if each.output in outside:
            continue
        source = each.inputs[0]
        # Two names of one block are both alive as long as either is read.
        readers = sum(left[value] for value in owner if owner[value] == owner.get(source))
        takes_over = isinstance(each, Flatten) or (isinstance(each, _IN_PLACE) and not readers)
        owner[each.output] = owner[source] if source in owner and takes_over else each.output
    return owner
