"""`tenfold.data.augment.apply` on the device: the same draw, the same three steps, in torch."""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tenfold.data.augment import NOISE_SCALE, Draw, basis
from tenfold.training.torch_random import mix, signed


def apply(images: Tensor, draw: Draw) -> Tensor:
    """Do to images what was drawn for them.

    Parameters
    ----------
    images : (n, height, width[, channels]) Tensor
        uint8, or floating point in [0, 1].
    draw : Draw
        For as many images.

    Returns
    -------
    images : float32 Tensor of the same shape, on the same scale
    """
    full = 255.0 if images.dtype == torch.uint8 else 1.0
    x = images.to(torch.float32)
    x = x.unsqueeze(1) if images.ndim == 3 else x.permute(0, 3, 1, 2)
    if draw.stroke is not None:
        x = _thicken(x, draw.stroke)
    if draw.affine is not None or draw.field is not None:
        x = _warp(x, draw)
    x = x.permute(0, 2, 3, 1).reshape(images.shape)
    if draw.noise is not None and draw.noise_keys is not None:
        x = _add_noise(x, draw.noise, draw.noise_keys, full)
    return x


def _thicken(x: Tensor, stroke: NDArray[np.float32]) -> Tensor:
    radius = torch.tensor(stroke, device=x.device).view(-1, 1, 1, 1)
    # To erode is to dilate the negative.
    sign = torch.where(radius < 0, -1.0, 1.0)
    x = result = x * sign
    for done in range(ceil(np.abs(stroke).max(initial=0))):
        tall = F.max_pool2d(x, (3, 1), stride=1, padding=(1, 0))
        grown = torch.maximum(tall, F.max_pool2d(x, (1, 3), stride=1, padding=(0, 1)))
        result = result + (radius.abs() - done).clamp(0, 1) * (grown - x)
        x = grown
    return result * sign


def _warp(x: Tensor, draw: Draw) -> Tensor:
    count, _, height, width = x.shape
    size = torch.tensor([height, width], dtype=torch.float32, device=x.device)
    if draw.affine is None:
        affine = torch.eye(2, 3, device=x.device).expand(count, 2, 3)
    else:
        affine = torch.tensor(draw.affine, device=x.device)
    # grid_sample counts from -1 at the one edge of the image to 1 at the other, columns before rows.
    affine = (affine * (2 / size)[:, None]).flip(1)
    rows, columns = (torch.arange(n, device=x.device) - (n - 1) / 2 for n in (height, width))
    # A row's part of a place and a column's are worked out apart and added up: less than half the time of a
    # product of matrices, whose inner dimension would be 3.
    down = rows[:, None] * affine[:, None, :, 0]
    across = columns[:, None] * affine[:, None, :, 1] + affine[:, None, :, 2]
    grid = down[:, :, None] + across[:, None]
    if draw.field is not None:
        tall, wide = (torch.tensor(basis(n), device=x.device) for n in (height, width))
        displacement = tall @ torch.tensor(draw.field, device=x.device) @ wide.T
        grid = grid + (displacement * (2 / size)[:, None, None]).flip(1).permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _add_noise(x: Tensor, noise: NDArray[np.float32], keys: NDArray[np.int64], full: float) -> Tensor:
    first, second = (signed(torch.tensor(keys[:, side, None], device=x.device)) for side in (0, 1))
    pixel = torch.arange(x[0].numel(), dtype=torch.int32, device=x.device)
    bits = mix(mix(first + pixel) ^ second)
    total = sum((bits >> shift) & 255 for shift in (0, 8, 16, 24))
    deviation = torch.tensor(noise, device=x.device)[:, None] * (full / NOISE_SCALE)
    return (x + ((total - 510) * deviation).view(x.shape)).clamp_(0, full)
