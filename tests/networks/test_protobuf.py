import numpy as np
import onnx
import pytest

from tenfold.networks.protobuf import message


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63 - 1, -1, -(2**63)])
def test_whole_numbers_are_read_back_by_googles_own_reader(value):
    attribute = onnx.AttributeProto.FromString(message([(3, value), (20, 2)]))

    assert (attribute.i, attribute.type) == (value, onnx.AttributeProto.INT)


def test_floats_texts_bytes_and_messages():
    tensor = message([(1, 2), (1, 3), (2, 1), (8, "wéight"), (9, bytes(24))])
    attribute = onnx.AttributeProto.FromString(
        message([(1, "a" * 300), (2, 0.1), (4, b"\xff\0"), (5, tensor)])
    )

    assert (attribute.name, attribute.f, attribute.s) == ("a" * 300, np.float32(0.1), b"\xff\0")
    assert (list(attribute.t.dims), attribute.t.name, len(attribute.t.raw_data)) == ([2, 3], "wéight", 24)
