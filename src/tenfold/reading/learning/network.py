"""The string network in torch: convolutions over a strip, then along it, and what each column says."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tenfold.reading.strip import HEIGHT

CLASSES = 11
"""Ten digits, and last the blank."""

BLANK = CLASSES - 1

CHANNELS = (24, 64, 96, 128, 192)


def build() -> nn.Sequential:
    """Return the network: (n, 1, HEIGHT, width) ink from 0 to 1 -> (n, CLASSES, width / STRIDE) scores."""
    one, two, three, four, five = CHANNELS
    return nn.Sequential(
        *_block(1, one, (5, 5), stride=(2, 2)),
        *_block(one, two, (3, 3), stride=(2, 2)),
        *_block(two, three, (3, 3)),
        nn.MaxPool2d((2, 1)),
        *_block(three, four, (3, 3)),
        # The rows fold into one: from here on the strip is a line of columns.
        *_block(four, five, (HEIGHT // 8, 1), padding=(0, 0)),
        *_block(five, five, (1, 5)),
        nn.Dropout(0.1),
        nn.Conv2d(five, CLASSES, (1, 3), padding=(0, 1)),
        nn.Flatten(1, 2),
    )


def _block(
    inputs: int,
    outputs: int,
    size: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] | None = None,
) -> tuple[nn.Module, ...]:
    around = (size[0] // 2, size[1] // 2) if padding is None else padding
    convolution = nn.Conv2d(inputs, outputs, size, stride, around, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def parameter_count(network: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in network.parameters())


def scores(network: nn.Module, ink: Tensor) -> Tensor:
    """Return log-probabilities (columns, n, CLASSES) float32 of ink (n, 1, HEIGHT, width) uint8."""
    scaled = ink.float().div_(255).contiguous(memory_format=torch.channels_last)
    answer: Tensor = network(scaled)
    return answer.float().permute(2, 0, 1).log_softmax(2)
