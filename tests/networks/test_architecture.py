import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.errors import NetworkError, TenfoldError
from tenfold.networks import (
    Architecture,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    Residual,
    Softmax,
    Tanh,
    network,
)


def residual_network(name: str = "") -> Architecture:
    return network(28, 28)(
        *(Conv(8, 3, padding="same"), BatchNorm(), ReLU()),
        Residual((Conv(16, 3, 2, padding=1), ReLU(), Conv(16, 3, padding="same")), (Conv(16, 1, 2),)),
        *(GlobalAveragePool(), Dense(10)),
        name=name,
    )


widths = st.lists(st.integers(1, 50), min_size=1, max_size=4)
activations = st.sampled_from([ReLU(), Tanh(), Softmax(), Dropout(0.5), BatchNorm()])


@given(features=st.integers(1, 100), widths=widths, activation=activations)
def test_every_dense_network_survives_the_round_trip(features, widths, activation):
    layers = [layer for width in widths for layer in (Dense(width), activation)]
    net = network(features, mean=0.1, std=0.3)(*layers, Dense(10), name="some")
    again = Architecture.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert again.name == "some"
    assert again.sha256 == net.sha256


def test_the_round_trip_keeps_residual_blocks():
    net = residual_network()
    again = Architecture.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert again.sha256 == net.sha256
    assert list(again.parameter_shapes) == list(net.parameter_shapes)


def test_the_name_is_no_part_of_what_a_network_is():
    one, other = residual_network("one"), residual_network("other")
    assert one == other
    assert one.sha256 == other.sha256
    assert hash(one) == hash(other)
    assert one.named("other").name == "other"


def test_everything_else_is():
    base = network(784)(Dense(10))
    others = [
        network(784)(Dense(11)),
        network(783)(Dense(10)),
        network(784)(Dense(10, bias=False)),
        network(784, mean=0.1)(Dense(10)),
        network(784, std=0.3)(Dense(10)),
        network(784)(Dense(10), ReLU()),
    ]
    assert base not in others
    assert len({net.sha256 for net in (base, *others)}) == 7


def test_equal_networks_have_equal_hashes_however_their_numbers_were_written():
    assert network(784, mean=0, std=1)(Dense(10)).sha256 == network(784)(Dense(10)).sha256


def test_the_hash_is_the_same_on_every_machine_and_version():
    # It names runs in stores that outlive a release. Whoever changes it must say so in the changelog.
    net = network(784)(Dense(32), ReLU(), Dense(10))
    assert net.sha256 == "26eecf8e0f3f93b8b53501c051125f37e2efa2bc25bc5b11cc9ba3dea78a4d2c"


def test_nodes_are_named_by_kind_and_place():
    net = network(1, 12, 12)(
        *(Conv(4, 3), BatchNorm(), ReLU(), MaxPool(2), DepthwiseConv(3), BatchNorm(), ReLU()),
        *(Dropout(0.1), GlobalAveragePool(), Dense(3)),
    )
    assert [node.name for node in net.nodes] == [
        *("conv1", "norm1", "relu1", "pool1", "conv2", "norm2", "relu2"),
        *("dropout1", "pool2", "dense1"),
    ]


def test_nodes_tell_the_shapes_that_go_in_and_come_out():
    net = network(28, 28)(Conv(32, 3), MaxPool(2), Flatten(), Dense(10))
    assert [(node.input_shape, node.output_shape) for node in net.nodes] == [
        ((1, 28, 28), (32, 26, 26)),
        ((32, 26, 26), (32, 13, 13)),
        ((32, 13, 13), (5408,)),
        ((5408,), (10,)),
    ]


def test_layers_in_a_residual_block_have_keys_of_their_own():
    keys = list(residual_network().parameter_shapes)
    assert keys == [
        *("conv1.weight", "conv1.bias", "norm1.weight", "norm1.bias"),
        *("residual1.conv1.weight", "residual1.conv1.bias", "residual1.conv2.weight", "residual1.conv2.bias"),
        *("residual1.shortcut.conv3.weight", "residual1.shortcut.conv3.bias"),
        *("dense1.weight", "dense1.bias"),
    ]
    assert residual_network().statistic_shapes == {"norm1.mean": (8,), "norm1.variance": (8,)}


def test_parameters_and_multiply_adds_counted_by_hand():
    net = residual_network()
    convolutions = [8 * 9 + 8, 16 * 8 * 9 + 16, 16 * 16 * 9 + 16, 16 * 8 + 16]
    assert net.parameters == sum(convolutions) + 2 * 8 + 16 * 10 + 10
    places = 14 * 14
    products = [28 * 28 * 8 * 9, places * 16 * 8 * 9, places * 16 * 16 * 9, places * 16 * 8, 160]
    assert net.multiply_adds == sum(products)


def test_an_image_of_two_sides_is_gray():
    assert network(28, 20)(Flatten(), Dense(10)).input_shape == (1, 28, 20)
    assert network(3, 32, 32)(Flatten(), Dense(10)).input_shape == (3, 32, 32)
    assert network(784)(Dense(7)).classes == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(784)(), "at least one layer"),
        (lambda: network(0)(Dense(1)), "integers >= 1. Got (0,) instead."),
        (lambda: network(2, 3, 4, 5)(Flatten()), "Got (2, 3, 4, 5) instead."),
        (lambda: network(28.0, 28)(Flatten()), "Got (1, 28.0, 28) instead."),
        (lambda: network(784, std=0)(Dense(1)), "std must be > 0. Got 0 instead."),
        (lambda: network(28, 28)(Conv(3, 3)), "ends with shape (3, 26, 26), not with one logit a class"),
        (lambda: network(28, 28)(Dense(10)), "Put Flatten() before it."),
        (lambda: network(784)(Dense(10), Conv(3, 3)), "needs an image"),
    ],
)
def test_layers_that_make_no_network_are_refused(make, message):
    with pytest.raises(NetworkError) as caught:
        make()
    assert message in str(caught.value)


GOOD = network(784)(Dense(10)).to_dict()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {**GOOD, "layers": None},
        {**GOOD, "layers": [3]},
        {**GOOD, "layers": [{"type": "Conf"}]},
        {**GOOD, "layers": [{"type": "Dense", "units": "ten"}]},
        {**GOOD, "layers": [{"type": "Dense", "units": [3]}]},
        {**GOOD, "input_shape": 784},
        {**GOOD, "input_shape": ["wide"]},
        {**GOOD, "mean": "low"},
        {**GOOD, "std": None},
    ],
    ids=str,
)
def test_stored_values_that_describe_no_network_are_refused(values):
    with pytest.raises(TenfoldError):
        Architecture.from_dict(values)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "it has no 'input_shape'"),
        ([], "described by a table"),
        ({**GOOD, "input_shape": 784}, "input_shape must be a list. Got 784"),
        ({**GOOD, "layers": [3]}, 'A layer must be a table with its "type". Got 3'),
        ({**GOOD, "layers": [{"type": "Conf"}]}, "Did you mean 'Conv'?"),
        ({**GOOD, "mean": "low"}, "wrong type: could not convert string to float: 'low'"),
    ],
    ids=str,
)
def test_what_is_wrong_with_stored_values_is_said_in_words(values, says):
    with pytest.raises(NetworkError) as caught:
        Architecture.from_dict(values)
    assert says in str(caught.value)
    assert "Error(" not in str(caught.value)


def test_a_layer_is_changed_by_its_name_and_the_network_it_was_asked_of_stays():
    def made(kernel, units, rate):
        block = Residual((Conv(4, kernel, padding="same"), ReLU()), (Conv(4, 1),))
        return network(8, 8)(block, Flatten(), Dense(units), Dropout(rate), Dense(3), name="mine")

    given = made(3, 16, 0.2)
    changed = given.change({"dropout1.rate": 0, "dense1.units": 32, "residual1.conv1.kernel": 5})
    assert changed == made(5, 32, 0)
    assert changed.name == "mine"
    assert given == made(3, 16, 0.2) == given.change({})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"dropout1.rat": 0.1},
            "no setting of the network named 'dropout1.rat'. Did you mean 'dropout1.rate'",
        ),
        ({"dense2.units": 8}, "no setting of the network named 'dense2.units'. Did you mean 'dense1.units'"),
        ({"residual1.body": 3}, "no setting of the network named 'residual1.body'"),
        ({"conv1.channels": 4.5}, "conv1.channels must be an integer. Got 4.5 instead."),
        ({"conv1.bias": 1}, "conv1.bias must be true or false. Got 1 instead."),
        ({"dropout1.rate": "much"}, "dropout1.rate must be a number. Got 'much' instead."),
        ({"dropout1.rate": 1.5}, "rate must be in"),
        ({"conv1.kernel": 99}, "99"),
    ],
)
def test_a_change_that_makes_no_network_is_refused(settings, says):
    given = network(8, 8)(Conv(2, 3), Residual((Conv(2, 1),)), Flatten(), Dropout(0.2), Dense(10))
    with pytest.raises(TenfoldError) as refused:
        given.change(settings)
    assert says in str(refused.value)
