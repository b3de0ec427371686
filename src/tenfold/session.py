"""ONNX Runtime as all of Tenfold uses it: on the processor, and with as many threads as it is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def open_session(source: Path | bytes, threads: int = 1, *, keep: bool = True) -> Any:
    """Return an ``onnxruntime.InferenceSession``, safe to share between threads.

    Parameters
    ----------
    source : Path or bytes
        An ONNX file, or what would be in one.
    threads : int >= 1
        That one call may use. More than one seldom pays: within a small network's operations they
        mostly wait.
    keep : bool
        Whether to keep the memory that a call takes for the next one: quicker with large batches of one size.
        Where sizes vary, what is kept grows to the largest that ever came.

    Raises
    ------
    Exception
        ONNX Runtime raises exceptions of its own, of no common kind, where this is no network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = keep
    content = source if isinstance(source, bytes) else os.fspath(source)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
