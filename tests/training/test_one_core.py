"""A process is told of its core."""

import os

import pytest

from tenfold.training.one_core import needs_wide_kernels, one_core

ZEN_5 = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
flags\t\t: fpu avx2 avx512f avx512dq avx512cd avx512bw avx512vl

processor\t: 1
"""


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (ZEN_5, True),
        (ZEN_5.replace("AuthenticAMD", "GenuineIntel"), False),
        (ZEN_5.replace(": 26", ": 25"), False),
        (ZEN_5.replace("avx512bw ", ""), False),
        ("", False),
    ],
)
def test_the_processor_whose_width_openblas_misses_is_known(tmp_path, text, needed):
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert needs_wide_kernels(file) is needed


def test_where_nothing_is_told_of_the_processor_nothing_is_set(tmp_path):
    assert not needs_wide_kernels(tmp_path / "cpuinfo")


def test_the_environment_is_as_before_afterwards(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    before = dict(os.environ)
    with one_core():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
        assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"  # the user knows better
    assert dict(os.environ) == before
