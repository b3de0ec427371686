"""The string network in torch: convolutions over a strip, then along it, and what each column says."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tenfold.reading.strip import HEIGHT

CLASSES = 11
"""Ten digits, and last the blank."""

BLANK = CLASSES - 1

CHANNELS = (24, 64, 128, 256)

REACH = (1, 2, 3, 4)
"""How far apart, in columns, the taps of the convolutions along the strip lie: all see half a string."""


class Residual(nn.Module):
    """Convolutions whose answer is added to what they were given (He et al., 2016).

    Parameters
    ----------
    *body : nn.Module
        Leaves the shape as it is.
    """

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        """Return rectified x + body(x)."""
        answer: Tensor = functional.relu(x + self.body(x))
        return answer


def build() -> nn.Sequential:
    """Return the network: (n, 1, HEIGHT, width) ink from 0 to 1 -> (n, CLASSES, width / STRIDE) scores."""
    one, two, three, four = CHANNELS
    return nn.Sequential(
        *_block(1, one, (5, 5), stride=(2, 2)),
        *_block(one, two, (3, 3), stride=(2, 2)),
        _deeper(two),
        nn.MaxPool2d((2, 1)),
        *_block(two, three, (3, 3)),
        _deeper(three),
        # The rows fold into one: from here on the strip is a line of columns.
        *_block(three, four, (HEIGHT // 8, 1), padding=(0, 0)),
        *(Residual(*_convolution(four, four, (1, 5), reach=reach)) for reach in REACH),
        nn.Dropout(0.1),
        nn.Conv2d(four, CLASSES, (1, 3), padding=(0, 1)),
        nn.Flatten(1, 2),
    )


def _deeper(channels: int) -> Residual:
    first, second = (_convolution(channels, channels, (3, 3)) for _ in range(2))
    return Residual(*first, nn.ReLU(), *second)


def _block(
    inputs: int,
    outputs: int,
    size: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] | None = None,
) -> tuple[nn.Module, ...]:
    return *_convolution(inputs, outputs, size, stride, padding), nn.ReLU()


def _convolution(
    inputs: int,
    outputs: int,
    size: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] | None = None,
    reach: int = 1,
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    around = (size[0] // 2, reach * (size[1] // 2)) if padding is None else padding
    convolution = nn.Conv2d(inputs, outputs, size, stride, around, dilation=(1, reach), bias=False)
    return convolution, nn.BatchNorm2d(outputs)


def parameter_count(network: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters())


def scores(network: nn.Module, ink: Tensor) -> Tensor:
    """Return log-probabilities (columns, n, CLASSES) float32 of ink (n, 1, HEIGHT, width) uint8."""
    scaled = ink.float().div_(255).contiguous(memory_format=torch.channels_last)
    answer: Tensor = network(scaled)
    return answer.float().permute(2, 0, 1).log_softmax(2)
