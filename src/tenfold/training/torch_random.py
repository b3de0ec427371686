"""The counter-based numbers of `tenfold.seeds`, drawn on the device, bit for bit the same."""

from __future__ import annotations

from math import ceil, prod

import numpy as np
import torch
from torch import Tensor

from tenfold import seeds

# The constants of `seeds.uniform` and `seeds.mix`, as the signed 32-bit integers that torch multiplies. Its
# products wrap around as unsigned ones do; only its right shift differs, and a mask makes it logical.
_GOLDEN = 0x9E3779B9 - 2**32
_MIX_1 = 0x7FEB352D
_MIX_2 = 0x846CA68B - 2**32


def signed(halves: Tensor) -> Tensor:
    """Return int64 numbers in [0, 2**32) as the int32 of the same bits."""
    return torch.where(halves >= 2**31, halves - 2**32, halves).to(torch.int32)


def mix(x: Tensor) -> Tensor:
    """Scramble `x` (int32) in place, as `seeds.mix` does, and return it."""
    x ^= (x >> 16) & 0xFFFF
    x *= _MIX_1
    x ^= (x >> 15) & 0x1FFFF
    x *= _MIX_2
    x ^= (x >> 16) & 0xFFFF
    return x


def _signed(half: int) -> int:
    return half - 2**32 if half >= 2**31 else half


def numbers(stream: tuple[int, int], count: int, device: torch.device) -> Tensor:
    """Return the first `count` numbers of a stream as (count,) int32 in [0, 2**24).

    Times 2**-24 they are those of `seeds.uniform`.
    """
    x = torch.arange(count, dtype=torch.int32, device=device)
    x *= _GOLDEN
    x += _signed(stream[0])
    x = mix(x)
    x ^= _signed(stream[1])
    x = mix(x)
    x >>= 8
    x &= 0xFFFFFF
    return x


def kept(stream: tuple[int, int], count: int, rate: float, device: torch.device) -> Tensor:
    """Return where the first `count` numbers of a stream are at least `rate`, as (count,) bool.

    The comparison is that of float32 numbers, as NumPy makes it, done on whole numbers.
    """
    return numbers(stream, count, device) >= ceil(float(np.float32(rate)) * 2**24)


def dropout_mask(
    stream: tuple[int, int], shape: tuple[int, ...], rate: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return what dropout multiplies by: 1 / (1 - rate) where `seeds.uniform` is at least `rate`, else 0."""
    count = prod(shape)
    if device.type == "cpu":
        # NumPy's operations on small arrays cost a third of torch's.
        where = torch.from_numpy(seeds.uniform(stream, count) >= np.float32(rate))
    else:
        where = kept(stream, count, rate, device)
    return where.view(shape).to(dtype).mul_(1 / (1 - rate))
