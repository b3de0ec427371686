"""Networks by name: every one of the five studies, and our own.

All end with the logits. Where a paper leaves something open, the assumption stands beside the network.
"""

from __future__ import annotations

from tenfold.errors import lookup
from tenfold.networks.architecture import Architecture, network
from tenfold.networks.layers import (
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    Layer,
    MaxPool,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)


def dense_stack(*units: int, activation: Layer, dropout: float = 0.0) -> tuple[Layer, ...]:
    """Return hidden dense layers of these widths, each followed by `activation`, then by dropout if any."""
    after = (activation, Dropout(dropout)) if dropout else (activation,)
    return tuple(layer for width in units for layer in (Dense(width), *after))


def abdelsalam_mlp(dropout: float = 0.25) -> Architecture:
    """Return Abdelsalam's network; the paper gives the dropout as 20-30 %."""
    return network(784)(*dense_stack(512, 256, activation=ReLU(), dropout=dropout), Dense(10))


def okon_cnn(
    out_units: int = 20,
    fout_units: int = 40,
    activation: Layer | None = None,
    dropout: tuple[float, float] = (0.2, 0.3),
) -> Architecture:
    """Return a candidate of Okon's grid (Figures 5 and 6); the defaults are the best one (Figure 7).

    Dropout 0.2 and 0.3 are the paper's; that 0.2 comes first is assumed.
    """
    f = activation or ReLU()
    return network(28, 28, mean=0.1, std=0.3)(
        *(Conv(10, 5), MaxPool(2), f),
        *(Conv(out_units, 5), MaxPool(2), f),
        *(Conv(fout_units, 2), f, Dropout(dropout[0]), Flatten()),
        *(Dense(200), f, Dropout(dropout[1]), Dense(10)),
    )


def lin_enhanced_cnn(dropout: float = 0.5) -> Architecture:
    """Return Lin's Enhanced CNN (Appendix 4); the dropout rate is not stated."""
    return network(28, 28)(
        *(Conv(32, 3, padding="same"), ReLU(), Conv(32, 3, padding="same"), ReLU(), MaxPool(2)),
        *(Conv(64, 3, padding="same"), ReLU(), Conv(64, 3, padding="same"), ReLU(), AveragePool(2)),
        *(Flatten(), Dense(128), ReLU(), Dense(64), ReLU()),
        *(Dropout(dropout),) * bool(dropout),
        Dense(10),
    )


def hao_mlp(depth: int = 2, units: int = 128, dropout: float = 0.0) -> Architecture:
    """Return a network of Hao's Tables 2 and 4: `depth` hidden layers of `units`."""
    return network(784)(*dense_stack(*[units] * depth, activation=ReLU(), dropout=dropout), Dense(10))


def hao_cnn(*kernels: int, units: int = 128, dropout: float = 0.0, pools: int = 2) -> Architecture:
    """Return a network of Hao's Tables 3 and 4.

    `kernels` counts those of each convolution (section 3.2); a third one has no pooling after it, since the
    best network has "3 convolutional layers, 2 pooling layers".
    """
    convolutions: list[Layer] = []
    for place, channels in enumerate(kernels):
        convolutions += [Conv(channels, 3, padding="same"), ReLU()]
        if place < pools:
            convolutions.append(MaxPool(2))
    head = dense_stack(units, activation=ReLU(), dropout=dropout)
    return network(28, 28)(*convolutions, Flatten(), *head, Dense(10))


def pooled(channels: int, kernel: int = 3) -> tuple[Layer, ...]:
    """Return a convolution that is pooled before norm and activation, which saves time and loses nothing."""
    return (Conv(channels, kernel, padding="same", bias=False), MaxPool(2), BatchNorm(), ReLU())


def plain(channels: int) -> tuple[Layer, ...]:
    """Return a convolution that keeps height and width, with norm and activation."""
    return (Conv(channels, 3, padding="same", bias=False), BatchNorm(), ReLU())


def separable(channels: int, pool: bool = False) -> tuple[Layer, ...]:
    """Return a convolution of each channel by itself and one across channels, with norm and activation."""
    pools = (MaxPool(2),) * pool
    return (
        *(DepthwiseConv(3, padding="same", bias=False), Conv(channels, 1, bias=False)),
        *(*pools, BatchNorm(), ReLU()),
    )


def stem_cnn(stem: int, second: int, third: int) -> Architecture:
    """Return a network of ours whose 5x5 stem halves the image at once."""
    return network(28, 28, mean=0.1307, std=0.3081)(
        *(Conv(stem, 5, stride=2, padding=2, bias=False), BatchNorm(), ReLU()),
        *(*pooled(second), *pooled(third), Flatten(), Dense(10)),
    )


def shrestha(*units: int, activation: Layer, dropout: float = 0.0) -> Architecture:
    """Return a network of Shrestha and Paudel's Table 1 with these hidden widths."""
    return network(784)(*dense_stack(*units, activation=activation, dropout=dropout), Dense(10))


# Their dropout rate is not stated; 0.2 is assumed.
_SHRESTHA = {
    1: shrestha(10, activation=ReLU()),
    2: shrestha(10, activation=ReLU()),
    3: shrestha(10, activation=ReLU()),
    4: shrestha(10, activation=Sigmoid()),
    5: shrestha(10, activation=Tanh()),
    6: shrestha(20, activation=ReLU()),
    7: shrestha(20, activation=ReLU()),
    8: shrestha(20, activation=ReLU()),
    9: shrestha(10, activation=Sigmoid()),
    10: shrestha(20, activation=Tanh()),
    11: shrestha(10, 10, activation=ReLU()),
    12: shrestha(20, 10, activation=Sigmoid()),
    13: shrestha(5, 10, activation=Tanh()),
    14: shrestha(20, 20, activation=ReLU()),
    15: shrestha(10, 20, activation=ReLU()),
    16: shrestha(20, 10, activation=ReLU(), dropout=0.2),
    17: shrestha(10, 10, activation=Sigmoid(), dropout=0.2),
    18: shrestha(20, 20, activation=ReLU(), dropout=0.2),
    19: shrestha(20, activation=Sigmoid(), dropout=0.2),
    20: shrestha(30, activation=ReLU(), dropout=0.2),
}

# A weight for each place of each channel's last 3x3, and a dense layer on their sums.
_EACH_PLACE: tuple[Layer, ...] = (DepthwiseConv(3, bias=False), Flatten(), Dense(10))

_UNNAMED: dict[str, Architecture] = {
    # Ours: docs/decisions/0003 and 0012.
    "sprint": stem_cnn(16, 16, 32),
    "fast": stem_cnn(16, 32, 64),
    "base": network(28, 28, mean=0.1307, std=0.3081)(
        *(*pooled(16), *plain(32), *pooled(32), *plain(64), *pooled(64), Flatten(), Dense(10)),
    ),
    "tiny-700": network(28, 28, mean=0.1307, std=0.3081)(
        *(*pooled(8), *separable(8), *separable(8, pool=True), *separable(8, pool=True), *_EACH_PLACE),
    ),
    "tiny-4k": network(28, 28, mean=0.1307, std=0.3081)(
        *(*pooled(16), *separable(16), *separable(16), *separable(24, pool=True)),
        *(*separable(24), *separable(32, pool=True), *_EACH_PLACE),
    ),
    "tiny-8k": network(28, 28, mean=0.1307, std=0.3081)(
        *(*pooled(16), *separable(16), *separable(16), *separable(32, pool=True)),
        *(*separable(32), *separable(32), *separable(48, pool=True), *_EACH_PLACE),
    ),
    # Lin: Appendices 1-4. The dropout rate is not stated; 0.5 is assumed.
    "lin-simple-nn": network(784)(Dense(32), ReLU(), Dense(10)),
    "lin-enhanced-nn": network(784)(Dense(128), Sigmoid(), Dense(64), Sigmoid(), Dense(10)),
    "lin-simple-cnn": network(28, 28)(
        *(Conv(32, 3), ReLU(), MaxPool(2)),
        *(Conv(32, 3), ReLU(), MaxPool(2)),
        *(Flatten(), Dense(100), ReLU(), Dense(10)),
    ),
    "lin-enhanced-cnn": lin_enhanced_cnn(),
    # Abdelsalam: three rates from the stated range; the middle one where none is named.
    "abdelsalam-mlp": abdelsalam_mlp(),
    "abdelsalam-mlp-dropout-20": abdelsalam_mlp(dropout=0.2),
    "abdelsalam-mlp-dropout-30": abdelsalam_mlp(dropout=0.3),
    # Okon: the best candidate, and the other seven networks of the grid.
    "okon-cnn": okon_cnn(),
    "okon-cnn-20-50": okon_cnn(20, 50),
    "okon-cnn-30-40": okon_cnn(30, 40),
    "okon-cnn-30-50": okon_cnn(30, 50),
    "okon-cnn-20-40-softmax": okon_cnn(20, 40, Softmax()),
    "okon-cnn-20-50-softmax": okon_cnn(20, 50, Softmax()),
    "okon-cnn-30-40-softmax": okon_cnn(30, 40, Softmax()),
    "okon-cnn-30-50-softmax": okon_cnn(30, 50, Softmax()),
    # Hao, Tables 1 and 2 and section 3.2: depth x units. Plain `hao-mlp` is 2x128, the best.
    "hao-mlp": hao_mlp(),
    **{f"hao-mlp-{depth}x{units}": hao_mlp(depth, units) for depth in (1, 2, 3) for units in (64, 128, 256)},
    # Hao, Tables 1 and 3 and section 3.2: kernels of each convolution, then dense units.
    "hao-cnn": hao_cnn(32, 64, 64),
    "hao-cnn-lightweight": hao_cnn(32, 64),
    "hao-cnn-16-32-dense-128": hao_cnn(16, 32),
    "hao-cnn-32-64-dense-64": hao_cnn(32, 64, units=64),
    "hao-cnn-32-64-dense-128": hao_cnn(32, 64),
    "hao-cnn-32-64-dense-256": hao_cnn(32, 64, units=256),
    "hao-cnn-64-128-dense-128": hao_cnn(64, 128),
    "hao-cnn-16-32-64-dense-128": hao_cnn(16, 32, 64),
    "hao-cnn-32-64-64-dense-64": hao_cnn(32, 64, 64, units=64),
    "hao-cnn-32-64-64-dense-128": hao_cnn(32, 64, 64),
    "hao-cnn-32-64-64-dense-256": hao_cnn(32, 64, 64, units=256),
    # Hao, Table 4 and section 3.2: dropout, in percent, after each hidden dense layer.
    **{f"hao-mlp-dropout-{percent}": hao_mlp(dropout=percent / 100) for percent in (20, 30, 40, 50)},
    **{
        f"hao-cnn-dropout-{percent}": hao_cnn(32, 64, 64, dropout=percent / 100)
        for percent in (20, 30, 40, 50)
    },
    # Shrestha and Paudel: Table 1 by number, and the network of the PyTorch comparison.
    **{f"shrestha-{number}": found for number, found in _SHRESTHA.items()},
    "shrestha-pytorch": shrestha(20, activation=ReLU()),
}

NETWORKS: dict[str, Architecture] = {name: found.named(name) for name, found in _UNNAMED.items()}
"""Every network by name. What differs between equal ones (``shrestha-1`` to ``-3``) is the recipe."""


def get(name: str) -> Architecture:
    """Return the network `name`.

    Raises
    ------
    UnknownNameError
        There is none; the message names the nearest.
    """
    found: Architecture = lookup("network", name, NETWORKS)
    return found
