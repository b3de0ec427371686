import json

import pytest

from tenfold.networks import (
    NETWORKS,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
    network,
    summary,
)

# Lin, Appendices 1-4, with Keras' names of the layers in ours.
APPENDICES = {
    "lin-simple-nn": """
        Dense 32 25120
        Dense 10 330
    """,
    "lin-enhanced-nn": """
        Dense 128 100480
        Dense 64 8256
        Dense 10 650
    """,
    "lin-simple-cnn": """
        Conv 26,26,32 320
        MaxPool 13,13,32 0
        Conv 11,11,32 9248
        MaxPool 5,5,32 0
        Flatten 800 0
        Dense 100 80100
        Dense 10 1010
    """,
    "lin-enhanced-cnn": """
        Conv 28,28,32 320
        Conv 28,28,32 9248
        MaxPool 14,14,32 0
        Conv 14,14,64 18496
        Conv 14,14,64 36928
        AveragePool 7,7,64 0
        Flatten 3136 0
        Dense 128 401536
        Dense 64 8256
        Dropout 64 0
        Dense 10 650
    """,
}


@pytest.mark.parametrize("name", APPENDICES)
def test_the_appendices_come_out_row_by_row(name):
    rows = [
        f"{row['type']} {','.join(map(str, row['output_shape']))} {row['parameters']}"
        for row in summary(NETWORKS[name]).to_dict()["layers"]
    ]
    assert rows == [line.strip() for line in APPENDICES[name].strip().splitlines()]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_columns_add_up(name):
    table, net = summary(NETWORKS[name]).to_dict(), NETWORKS[name]
    assert table["parameters"] == net.parameters == sum(row["parameters"] for row in table["layers"])
    assert table["multiply_adds"] == net.multiply_adds == sum(row["multiply_adds"] for row in table["layers"])


def test_the_values_are_plain_json():
    table = summary(NETWORKS["lin-simple-cnn"]).to_dict()
    assert json.loads(json.dumps(table)) == table
    assert list(table) == ["name", "parameters", "multiply_adds", "input_shape", "layers"]
    assert table["name"] == "lin-simple-cnn"
    assert table["input_shape"] == [28, 28, 1]
    assert table["layers"][0] == {
        "name": "conv1",
        "type": "Conv",
        "output_shape": [26, 26, 32],
        "parameters": 320,
        "multiply_adds": 26 * 26 * 32 * 9,
        "activation": "ReLU",
    }
    assert table["layers"][-1]["activation"] is None


def test_an_activation_shares_the_row_of_the_layer_before_it():
    rows = summary(network(784)(Dense(5), BatchNorm(), Sigmoid(), Dense(10))).rows
    assert [(row.type, row.activation) for row in rows] == [
        ("Dense", None),
        ("BatchNorm", "Sigmoid"),
        ("Dense", None),
    ]


def test_an_activation_with_no_layer_to_share_has_a_row_of_its_own():
    rows = summary(network(784)(Tanh(), Dense(10), ReLU(), Sigmoid())).rows
    assert [(row.name, row.type, row.activation) for row in rows] == [
        ("tanh1", "Tanh", None),
        ("dense1", "Dense", "ReLU"),
        ("sigmoid1", "Sigmoid", None),
    ]


def residual_network():
    inner = Residual((Conv(4, 3, padding="same"),))
    block = Residual((Conv(4, 3, padding="same"), ReLU(), inner), (Conv(4, 1),))
    return network(2, 8, 8)(block, ReLU(), GlobalAveragePool(), Dense(10), name="blocks")


def test_layers_of_a_residual_block_follow_it():
    rows = summary(residual_network()).rows
    assert [(row.name, row.depth, row.parameters, row.activation) for row in rows] == [
        ("residual1", 0, 0, "ReLU"),
        ("residual1.conv1", 1, 4 * 2 * 9 + 4, "ReLU"),
        ("residual1.residual1", 1, 0, None),
        ("residual1.residual1.conv1", 2, 4 * 4 * 9 + 4, None),
        ("residual1.shortcut.conv2", 1, 4 * 2 + 4, None),
        ("pool1", 0, 0, None),
        ("dense1", 0, 50, None),
    ]
    assert summary(residual_network()).parameters == residual_network().parameters


def test_the_text_is_an_aligned_table():
    assert str(summary(NETWORKS["lin-simple-cnn"])) == "\n".join(
        [
            "lin-simple-cnn, input 28 × 28 × 1",
            "",
            "Layer     Type     Output shape  Activation  Parameters  Multiply-adds",
            "──────────────────────────────────────────────────────────────────────",
            "conv1     Conv     26 × 26 × 32  ReLU               320        194,688",
            "pool1     MaxPool  13 × 13 × 32                       0              0",
            "conv2     Conv     11 × 11 × 32  ReLU             9,248      1,115,136",
            "pool2     MaxPool  5 × 5 × 32                         0              0",
            "flatten1  Flatten  800                                0              0",
            "dense1    Dense    100           ReLU            80,100         80,000",
            "dense2    Dense    10                             1,010          1,000",
            "──────────────────────────────────────────────────────────────────────",
            "Total                                            90,678      1,390,824",
        ]
    )


def test_the_text_indents_what_lies_in_a_block():
    layers = [
        line.split("  Conv")[0].split("  Res")[0].rstrip()
        for line in str(summary(residual_network())).splitlines()
    ]
    assert layers[4:9] == ["residual1", "  conv1", "  residual1", "    conv1", "  shortcut.conv2"]


def test_a_network_without_a_name_has_a_table_too():
    assert str(summary(network(28, 28)(Flatten(), Dense(10)))).startswith("Network, input 28 × 28 × 1\n")
