import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tenfold.networks import (
    NETWORKS,
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
    diagram,
    network,
)

SVG = "{http://www.w3.org/2000/svg}"


def residual_network() -> Architecture:
    inner = Residual((DepthwiseConv(3, padding="same"), BatchNorm()))
    block = Residual(
        (Conv(16, 3, 2, padding=1), BatchNorm(), ReLU(), inner), (Conv(16, 1, 2), BatchNorm(), ReLU())
    )
    return network(28, 28)(
        *(Conv(8, 3, padding="same"), ReLU(), block, ReLU(), Dropout(0.1), GlobalAveragePool(), Dense(10)),
        name="residual <&> blocks",
    )


def single_neuron() -> Architecture:
    return network(1)(Dense(1), ReLU(), Dense(100_000), Dense(2))


DRAWN = [*NETWORKS.values(), residual_network(), single_neuron()]


def parse(net: Architecture) -> ElementTree.Element:
    return ElementTree.fromstring(diagram(net))


def texts(net: Architecture) -> list[str]:
    return [element.text or "" for element in parse(net).iter(f"{SVG}text")]


@pytest.mark.parametrize("net", DRAWN, ids=lambda net: net.name)
def test_every_layer_is_named(net):
    titles = " ".join(title.text or "" for title in parse(net).iter(f"{SVG}title"))
    for node in net.walk():
        assert re.search(rf"(^|[\s;,]){re.escape(node.name)}\b", titles), node.name


@pytest.mark.parametrize("net", DRAWN, ids=lambda net: net.name)
def test_nothing_is_drawn_outside_the_picture(net):
    picture = parse(net)
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    for element in picture.iter():
        given = {
            name: float(value) for name, value in element.attrib.items() if re.fullmatch(r"[\d.]+", value)
        }
        if element.tag == f"{SVG}rect":
            assert 0 <= given["x"] <= given["x"] + given["width"] <= width
            assert 0 <= given["y"] <= given["y"] + given["height"] <= height
        elif element.tag == f"{SVG}circle":
            assert given["r"] <= given["cx"] <= width - given["r"]
            assert given["r"] <= given["cy"] <= height - given["r"]
        elif element.tag == f"{SVG}text":
            # 6 px a letter is what common sans-serif fonts take at 12 px.
            reach = 6 * len(element.text or "")
            left = "left" in element.attrib["class"]
            assert given["x"] - (0 if left else reach / 2) >= 0, element.text
            assert given["x"] + (reach if left else reach / 2) <= width, element.text
            assert given["y"] <= height - 3


@pytest.mark.parametrize("net", DRAWN, ids=lambda net: net.name)
def test_labels_of_neighbors_do_not_touch(net):
    lines: dict[float, list[tuple[float, float]]] = {}
    for element in parse(net).iter(f"{SVG}text"):
        x, y, reach = float(element.attrib["x"]), float(element.attrib["y"]), 3 * len(element.text or "")
        lines.setdefault(y, []).append((x - reach, x + reach))
    for spans in lines.values():
        spans.sort()
        assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_labels_tell_type_shape_and_parameters():
    shown = texts(NETWORKS["lin-simple-cnn"])
    assert shown[:4] == [
        "lin-simple-cnn",
        "90,678 parameters · 1,390,824 multiply-adds",
        "Input",
        "28 × 28 × 1",
    ]
    assert shown[4:9] == ["Conv", "26 × 26 × 32", "3 × 3", "320 params", "→ ReLU"]
    assert shown[-3:] == ["Dense", "10", "1,010 params"]


def test_a_residual_block_has_a_frame_a_plus_and_what_its_skip_passes():
    picture = parse(residual_network())
    frames = [rect for rect in picture.iter(f"{SVG}rect") if rect.attrib["class"] == "frame"]
    assert len(frames) == 2
    assert len([circle for circle in picture.iter(f"{SVG}circle") if circle.attrib["r"] == "9"]) == 2
    shown = texts(residual_network())
    assert "Conv · 1 × 1, stride 2 · 144 params" in shown
    assert "BatchNorm · 32 params → ReLU" in shown
    assert "skip" in shown


def test_more_channels_are_more_sheets_and_larger_images_larger_ones():
    net = network(28, 28)(
        Conv(4, 3, padding="same"), MaxPool(2), Conv(64, 3, padding="same"), Flatten(), Dense(10)
    )
    groups = [group for group in parse(net).iter(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    sheets = [[float(rect.attrib["width"]) for rect in group.iter(f"{SVG}rect")] for group in groups]
    few, pooled, many = sheets[1:]
    assert len(few) == len(pooled) < len(many)
    assert few[0] > pooled[0] == many[0]


def test_ten_neurons_are_all_drawn_and_more_are_hinted_at():
    def neurons(net: Architecture) -> list[int]:
        groups = parse(net).iter(f"{SVG}g")
        return [len([c for c in group.iter(f"{SVG}circle") if float(c.attrib["r"]) > 1]) for group in groups]

    assert neurons(network(3)(Dense(10), Dense(11), Dense(784))) == [3, 10, 10, 10]


def test_the_picture_stands_alone():
    for net in (NETWORKS["fast"], residual_network()):
        text = diagram(net)
        assert not re.search(r"(href|url\(|<script|<image|@import|<foreignObject)", text)
        assert "prefers-color-scheme:dark" in text
        assert "currentColor" in text


def test_pictures_of_different_networks_share_no_id():
    ids = [re.findall(r'\bid="([^"]+)"', diagram(net)) for net in DRAWN]
    assert all(found for found in ids)
    assert len({one for found in ids for one in found}) == sum(map(len, ids))
    for found in (one for group in ids for one in group):
        assert re.fullmatch(r"[\w-]+", found)
