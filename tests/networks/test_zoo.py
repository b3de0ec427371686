import pytest

from tenfold.errors import UnknownNameError
from tenfold.networks import NETWORKS, Conv, Dense, Dropout, ReLU, Softmax, get, zoo


def widths(name: str) -> list[int]:
    """The units of the dense layers, the input first."""
    net = NETWORKS[name]
    return [*net.input_shape, *(layer.units for layer in net.layers if isinstance(layer, Dense))]


def dropout(name: str) -> list[float]:
    return [layer.rate for layer in NETWORKS[name].layers if isinstance(layer, Dropout)]


def kinds(name: str) -> list[str]:
    return [type(layer).__name__ for layer in NETWORKS[name].layers]


def test_every_network_carries_its_name_and_tells_ten_classes_apart():
    for name, net in NETWORKS.items():
        assert net.name == name
        assert net.classes == 10
        assert not isinstance(net.layers[-1], Softmax)
        assert net.input_shape in {(784,), (1, 28, 28)}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Printed in the papers.
        ("lin-simple-nn", 25_450),
        ("lin-enhanced-nn", 109_386),
        ("lin-simple-cnn", 90_678),
        ("lin-enhanced-cnn", 475_434),
        # Counted by hand from the layers they state.
        ("abdelsalam-mlp", (784 + 1) * 512 + (512 + 1) * 256 + (256 + 1) * 10),
        ("okon-cnn", 10 * 26 + 20 * (250 + 1) + 40 * (80 + 1) + 200 * (360 + 1) + 10 * 201),
        ("hao-mlp", 785 * 128 + 129 * 128 + 129 * 10),
        ("hao-cnn", 32 * 10 + 64 * 289 + 64 * 577 + 128 * 3137 + 10 * 129),
        ("hao-cnn-lightweight", 32 * 10 + 64 * 289 + 128 * 3137 + 10 * 129),
        ("shrestha-7", 785 * 20 + 21 * 10),
        ("shrestha-13", 785 * 5 + 6 * 10 + 11 * 10),
    ],
)
def test_parameters(name, parameters):
    assert get(name).parameters == parameters


def test_okons_sizes_are_those_of_the_paper():
    sides = [node.output_shape[1] for node in get("okon-cnn").nodes if len(node.output_shape) == 3]
    assert list(dict.fromkeys(sides)) == [24, 12, 8, 4, 3]
    assert (get("okon-cnn").mean, get("okon-cnn").std) == (0.1, 0.3)
    assert dropout("okon-cnn") == [0.2, 0.3]
    assert kinds("okon-cnn")[:3] == ["Conv", "MaxPool", "ReLU"]
    assert "ReLU" not in kinds("okon-cnn-30-50-softmax")
    assert kinds("okon-cnn-30-50-softmax").count("Softmax") == 4


def test_okons_grid_has_eight_networks():
    grid = {
        zoo.okon_cnn(out, fout, activation)
        for out in (20, 30)
        for fout in (40, 50)
        for activation in (ReLU(), Softmax())
    }
    assert grid == {net for name, net in NETWORKS.items() if name.startswith("okon-cnn")}
    assert len(grid) == 8


def test_dropout_stands_after_each_hidden_layer():
    assert dropout("abdelsalam-mlp") == [0.25, 0.25]
    assert dropout("abdelsalam-mlp-dropout-30") == [0.3, 0.3]
    assert dropout("hao-mlp-dropout-40") == [0.4, 0.4]
    assert dropout("hao-cnn-dropout-30") == [0.3]
    assert kinds("hao-mlp-dropout-40") == ["Dense", "ReLU", "Dropout"] * 2 + ["Dense"]
    assert dropout("lin-enhanced-cnn") == [0.5]


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("units", [64, 128, 256])
def test_haos_perceptrons_are_named_by_depth_and_units(depth, units):
    assert widths(f"hao-mlp-{depth}x{units}") == [784, *[units] * depth, 10]


def test_haos_best_structures_have_short_names():
    assert get("hao-mlp") == get("hao-mlp-2x128")
    assert get("hao-cnn") == get("hao-cnn-32-64-64-dense-128")
    assert get("hao-cnn-lightweight") == get("hao-cnn-32-64-dense-128")


@pytest.mark.parametrize("name", [name for name in NETWORKS if "-dense-" in name])
def test_haos_convolutional_networks_are_named_by_their_sizes(name):
    kernels, _, units = name.removeprefix("hao-cnn-").partition("-dense-")
    convolutions = [layer.channels for layer in get(name).layers if isinstance(layer, Conv)]
    assert convolutions == [int(count) for count in kernels.split("-")]
    assert widths(name)[-2:] == [int(units), 10]
    assert kinds(name).count("MaxPool") == 2


# Table 1 of Shrestha and Paudel.
TABLE_1 = """
1   784 10 10       ReLU     no
2   784 10 10       ReLU     no
3   784 10 10       ReLU     no
4   784 10 10       Sigmoid  no
5   784 10 10       Tanh     no
6   784 20 10       ReLU     no
7   784 20 10       ReLU     no
8   784 20 10       ReLU     no
9   784 10 10       Sigmoid  no
10  784 20 10       Tanh     no
11  784 10 10 10    ReLU     no
12  784 20 10 10    Sigmoid  no
13  784 5 10 10     Tanh     no
14  784 20 20 10    ReLU     no
15  784 10 20 10    ReLU     no
16  784 20 10 10    ReLU     yes
17  784 10 10 10    Sigmoid  yes
18  784 20 20 10    ReLU     yes
19  784 20 10       Sigmoid  yes
20  784 30 10       ReLU     yes
"""


@pytest.mark.parametrize("line", TABLE_1.strip().splitlines())
def test_shresthas_networks_are_those_of_table_1(line):
    number, *layers, activation, has_dropout = line.split()
    name = f"shrestha-{number}"
    assert widths(name) == [int(units) for units in layers]
    assert set(kinds(name)) - {"Dense", "Dropout"} == {activation}
    assert dropout(name) == ([0.2] * (len(layers) - 2) if has_dropout == "yes" else [])


def test_an_unknown_name_tells_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"no network named 'lin-simple-n'. Did you mean 'lin-simple-nn'"
    ):
        get("lin-simple-n")
