"""Models in the forms that people deploy: ONNX, C99 and JavaScript, in float32 or int8, each with proof.

A model becomes a `program` of plain operations, `fold` takes batch norm out of it, `quantize` makes it
integers if that is wanted, and `onnx`, `c` and `javascript` write it down. `verify` runs what was written.
"""

from tenfold.export.exported import Exported, export
from tenfold.export.parity import Parity, verify

__all__ = ["Exported", "Parity", "export", "verify"]
