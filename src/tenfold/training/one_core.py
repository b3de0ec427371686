"""What a process is told of its core: one thread for its arithmetic, and how wide the core computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WIDE = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
"""The instructions that OpenBLAS' kernels of 512 bits are made of."""


@contextmanager
def one_core() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread each for their arithmetic, and all of their
    core's width.
    """
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if "OPENBLAS_CORETYPE" not in os.environ and needs_wide_kernels():
        wanted["OPENBLAS_CORETYPE"] = "SkylakeX"
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def needs_wide_kernels(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether NumPy's OpenBLAS is to be told that this processor computes 512 bits at once.

    It takes the first of AMD's Zen 5 for processors of half that width (seen in 0.3.31), and multiplies
    matrices half as fast as it could; Zen 4 and Intel's it knows. docs/decisions/0005 has the figures.
    """
    try:
        lines = cpuinfo.read_text("utf-8").partition("\n\n")[0].splitlines()
    except OSError:  # not Linux
        return False
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    zen_5 = told.get("vendor_id") == "AuthenticAMD" and told.get("cpu family") == "26"
    return zen_5 and set(told.get("flags", "").split()) >= WIDE
