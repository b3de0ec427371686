from math import prod

import pytest

from tenfold.export.memory import plan
from tenfold.networks import NETWORKS
from tenfold.networks.fold import fold
from tenfold.networks.program import PICTURE, lower


def live_after(program, moment):
    """Return the values that are written by then and read later, or are the logits."""
    written = {each.output for each in program.operations[: moment + 1]}
    read = {place for each in program.operations[moment + 1 :] for place in each.inputs}
    return written & (read | {program.output})


def check(program, outside=()):
    found = plan(program, outside)
    shapes = program.shapes
    for moment, operation in enumerate(program.operations):
        # What is read while this is written must not be overwritten, unless it is taken over.
        live = live_after(program, moment) - set(outside)
        spans = {value: (found.offsets[value], found.offsets[value] + prod(shapes[value])) for value in live}
        for value, (start, end) in spans.items():
            assert end <= found.total
            for other, (first, last) in spans.items():
                apart = end <= first or last <= start
                assert value == other or apart, f"{value} and {other} share memory after {operation}"
        sources = {place for place in operation.inputs if place != PICTURE} - set(outside)
        if operation.output in outside:
            continue
        start = found.offsets[operation.output]
        for source in sources:
            first, last = found.offsets[source], found.offsets[source] + prod(shapes[source])
            same = first == start and prod(shapes[source]) == prod(operation.shape)
            assert same or last <= start or start + prod(operation.shape) <= first
    return found


def test_no_value_is_overwritten_while_it_is_needed(small):
    program = fold(lower(small.architecture, small.weights))

    check(program)
    check(program, program.logits)


@pytest.mark.parametrize("name", ["fast", "lin-enhanced-cnn", "okon-cnn", "hao-mlp"])
def test_memory_is_no_more_than_the_largest_step_needs(of, name):
    model = of(NETWORKS[name])
    program = fold(lower(model.architecture, model.weights))

    found = check(program, program.logits)

    # In a plain chain the two ends of one step are all that lives, and an activation needs one of them.
    steps = (
        prod(program.shapes[each.inputs[0]]) * (each.inputs[0] != PICTURE)
        + prod(each.shape) * (each.output not in program.logits)
        for each in program.operations
        if type(each).__name__ not in ("Activation", "Affine", "Flatten")
    )
    assert found.total == max(steps)
