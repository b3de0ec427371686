from dataclasses import dataclass, replace

import numpy as np
import pytest

from tenfold import network
from tenfold.errors import ExportError
from tenfold.export import arithmetic, integers, onnx
from tenfold.export.c import C
from tenfold.export.calls import calls
from tenfold.export.quantize import quantize
from tenfold.networks import BatchNorm, Dropout, Layer, Residual
from tenfold.networks import Conv as ConvLayer
from tenfold.networks import Dense as DenseLayer
from tenfold.networks import Flatten as FlattenLayer
from tenfold.networks.fold import fold
from tenfold.networks.program import (
    Add,
    Affine,
    Conv,
    Dense,
    Flatten,
    Normalize,
    Operation,
    lower,
    picture_shape,
)


def test_a_program_computes_what_the_model_does(small, pictures):
    images = pictures(small.architecture, 30)

    found = arithmetic.run(lower(small.architecture, small.weights), images)

    np.testing.assert_allclose(found, small.logits(images, "numpy"), rtol=1e-4, atol=1e-5)


def test_pixels_are_scaled_first_and_dropout_is_gone(of):
    model = of(network(4, mean=0.5, std=0.25)(Dropout(0.5), DenseLayer(2), Dropout(0.1)))

    scaling, dense = lower(model.architecture, model.weights).operations

    assert isinstance(scaling, Normalize)
    assert isinstance(dense, Dense)
    assert [pixel * scaling.scale + scaling.offset for pixel in (0, 255)] == [-2, 2]


def test_a_residual_block_is_two_paths_and_a_sum(of):
    model = of(network(5)(Residual((DenseLayer(5), BatchNorm()))))

    scaling, dense, norm, total = lower(model.architecture, model.weights).operations

    assert [type(each) for each in (dense, norm, total)] == [Dense, Affine, Add]
    assert total.inputs == (norm.output, scaling.output)


def test_the_logits_may_have_several_shapes_but_one_reader(of):
    model = of(network(2, 2)(ConvLayer(3, 2), FlattenLayer()))
    program = lower(model.architecture, model.weights)
    _, conv, flat = program.operations
    assert isinstance(conv, Conv)
    assert isinstance(flat, Flatten)
    assert program.logits == {conv.output, flat.output}

    model = of(network(5)(DenseLayer(5), Residual((Dropout(0.5),))))
    doubled = lower(model.architecture, model.weights)
    assert doubled.logits == {doubled.operations[-1].output}


@pytest.mark.parametrize(
    ("input_shape", "shape"),
    [((1, 28, 28), (28, 28)), ((784,), (28, 28)), ((30,), (30,)), ((3, 8, 9), (8, 9, 3))],
)
def test_pictures_are_handed_over_as_they_lie(input_shape, shape):
    assert picture_shape(input_shape) == shape


def test_a_layer_that_nobody_can_export_is_named():
    @dataclass(frozen=True)
    class Swish(Layer):
        pass

    with pytest.raises(ExportError, match="swish1 is a layer of type Swish"):
        lower(network(4)(Swish()), {})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4), np.float32), "uint8 pictures, got float32"),
        (np.zeros(4, np.uint8), "a batch"),
        (np.zeros((2, 5), np.uint8), "these have shape"),
    ],
)
def test_what_is_no_picture_is_refused(images, message):
    with pytest.raises(ExportError, match=message):
        arithmetic.as_pictures(images, (4,))


@dataclass(frozen=True, eq=False)
class Foreign(Operation):
    """An operation that nobody has taught the exports."""


FORMS = {
    "NumPy": lambda program, images: (integers if hasattr(program, "grids") else arithmetic).run(
        program, images
    ),
    "C": lambda program, images: calls(program, C),
    "ONNX": lambda program, images: onnx.render(
        program, temperature=1.0, stated={"producer": "x", "network": "x"}
    ),
}


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_operation_that_a_form_does_not_know_is_refused_not_left_out(of, pictures, form, int8):
    model = of(network(4)(DenseLayer(3)))
    images = pictures(model.architecture, 20)
    program = lower(model.architecture, model.weights)
    foreign = Foreign((program.output,), program.output + 1, (3,))
    if int8:
        program = quantize(fold(program), images)
        program = replace(program, grids=program.grids | {foreign.output: program.grids[program.output]})
    longer = replace(program, operations=(*program.operations, foreign))

    with pytest.raises(ExportError, match="Foreign"):
        form(longer, images)
