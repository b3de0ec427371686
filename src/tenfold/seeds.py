"""One seed, many independent named streams.

Initialization, order, dropout and augmentation each draw from a stream of their own, named by what it is for
and by where in the training it stands (epoch, step, layer). So changing one leaves the others alone, every
engine draws the same numbers, and a run resumed at any epoch needs no generator state: the streams are found
again by name.

Two kinds of stream:

- `generator` gives a NumPy generator, for what is drawn once an epoch (weights, order, augmentation).
- `key` and `uniform` give counter-based numbers: a pure function of (key, index) made of 32-bit integer
  operations that NumPy and torch do alike. Dropout uses it, so that a mask is the same in every engine, on
  every device, and for a network trained alone or among many.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint32(0x9E3779B9)
_MIX_1 = np.uint32(0x7FEB352D)
_MIX_2 = np.uint32(0x846CA68B)


def key(seed: int, *name: str | int) -> tuple[int, int]:
    """Return the 64-bit key of the stream `name` under `seed`, as two 32-bit halves.

    Parameters
    ----------
    seed : int
        The user's seed, any integer >= 0.
    *name : str or int
        What the stream is for and where it stands, as in ``key(0, "dropout", epoch, step, "dropout1")``.
    """
    text = "/".join([str(int(seed)), *map(str, name)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def generator(seed: int, *name: str | int) -> np.random.Generator:
    """Return a fresh NumPy generator for the stream `name` under `seed`."""
    return np.random.default_rng(np.random.SeedSequence(key(seed, *name)))


def mix(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Scramble 32-bit integers: two multiply-xorshift rounds (the constants are Wellons' lowbias32)."""
    x = x ^ (x >> np.uint32(16))
    x *= _MIX_1
    x ^= x >> np.uint32(15)
    x *= _MIX_2
    x ^= x >> np.uint32(16)
    return x


def uniform(stream: tuple[int, int], count: int) -> NDArray[np.float32]:
    """Return the first `count` numbers of a counter-based stream.

    Parameters
    ----------
    stream : (int, int)
        A key from `key`.
    count : int
        How many numbers.

    Returns
    -------
    numbers : (count,) float32 in [0, 1)
        Multiples of 2**-24, so that they are exact in float32.
    """
    return uniform_at(stream, np.arange(count, dtype=np.uint32))


def uniform_at(stream: tuple[int, int], index: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return the numbers of a counter-based stream that stand at `index`, in the shape of `index`."""
    bits = mix(mix(index * _GOLDEN + np.uint32(stream[0])) ^ np.uint32(stream[1]))
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order in which epoch `epoch` (from 0) visits `count` images, a permutation of int64."""
    return generator(seed, "order", epoch).permutation(count)
