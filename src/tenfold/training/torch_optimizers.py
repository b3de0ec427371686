"""The arithmetic of each optimizer, in torch, on one flat array of all trained parameters.

Since the parameters are one array and their gradient another, a step is a few vector operations however many
layers there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam

from tenfold.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop


class Rule(ABC):
    """An optimizer at work.

    Parameters
    ----------
    optimizer : Optimizer
    parameters : (size,) Tensor
        Changed in place by `step`.
    decayed : int
        Weight decay touches the first so many of them.
    """

    def __init__(self, optimizer: Optimizer, parameters: Tensor, decayed: int) -> None:
        self.parameters = parameters
        self.decay = optimizer.weight_decay
        self.decayed = decayed
        self.slots: dict[str, Tensor] = {}
        """What the rule remembers from step to step, each of the parameters' shape."""

    def step(self, gradient: Tensor, lr: float, number: int) -> None:
        """Do step `number` (from 1) along `gradient`, which is used up."""
        if self.decay:
            gradient[: self.decayed].add_(self.parameters[: self.decayed], alpha=self.decay)
        self.update(gradient, lr, number)

    @abstractmethod
    def update(self, gradient: Tensor, lr: float, number: int) -> None:
        """Change the parameters; weight decay is in `gradient` already."""

    def _slot(self, name: str) -> Tensor:
        self.slots[name] = torch.zeros_like(self.parameters)
        return self.slots[name]


class SGDRule(Rule):
    """See `optimizers.SGD`."""

    def __init__(self, optimizer: SGD, parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizer, parameters, decayed)
        self.momentum, self.nesterov = optimizer.momentum, optimizer.nesterov
        self.velocity = self._slot("velocity") if self.momentum else None

    def update(self, gradient: Tensor, lr: float, number: int) -> None:
        direction = gradient
        if self.velocity is not None:
            self.velocity.mul_(self.momentum).add_(gradient)
            direction = gradient.add_(self.velocity, alpha=self.momentum) if self.nesterov else self.velocity
        self.parameters.add_(direction, alpha=-lr)


class RMSpropRule(Rule):
    """See `optimizers.RMSprop`."""

    def __init__(self, optimizer: RMSprop, parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizer, parameters, decayed)
        self.rho, self.epsilon, self.momentum = optimizer.rho, optimizer.epsilon, optimizer.momentum
        self.keras = optimizer.convention == "keras"
        self.square = self._slot("square")
        self.velocity = self._slot("velocity") if self.momentum else None

    def update(self, gradient: Tensor, lr: float, number: int) -> None:
        self.square.mul_(self.rho).addcmul_(gradient, gradient, value=1 - self.rho)
        square, epsilon = self.square, self.epsilon
        root = square.add(epsilon).sqrt_() if self.keras else square.sqrt().add_(epsilon)
        if self.velocity is None:
            self.parameters.addcdiv_(gradient, root, value=-lr)
        else:
            self.velocity.mul_(self.momentum).addcdiv_(gradient, root)
            self.parameters.add_(self.velocity, alpha=-lr)


class AdamRule(Rule):
    """See `optimizers.Adam` and `optimizers.AdamW`."""

    def __init__(self, optimizer: Adam, parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizer, parameters, decayed)
        self.beta1, self.beta2, self.epsilon = optimizer.beta1, optimizer.beta2, optimizer.epsilon
        self.keras = optimizer.convention == "keras"
        self.decoupled = isinstance(optimizer, AdamW)
        self.mean, self.square = self._slot("mean"), self._slot("square")
        self.number = torch.zeros((), dtype=torch.float32, device=parameters.device)

    def step(self, gradient: Tensor, lr: float, number: int) -> None:
        if not self.decoupled:
            super().step(gradient, lr, number)
            return
        if self.decay:
            self.parameters[: self.decayed].mul_(1 - lr * self.decay)
        self.update(gradient, lr, number)

    def update(self, gradient: Tensor, lr: float, number: int) -> None:
        epsilon = self.epsilon
        if self.keras:
            lr, epsilon = self._as_keras(lr, number)
        adam(
            [self.parameters],
            [gradient],
            [self.mean],
            [self.square],
            [],
            [self.number.fill_(number - 1)],
            fused=True,
            amsgrad=False,
            beta1=self.beta1,
            beta2=self.beta2,
            lr=lr,
            weight_decay=0.0,
            eps=epsilon,
            maximize=False,
        )

    def _as_keras(self, lr: float, number: int) -> tuple[float, float]:
        """Return the rate and epsilon with which torch's step is that of Keras.

        torch corrects the root for its start before it adds epsilon, and works the corrections out in
        float64. Keras takes the weights' precision, and 1 - beta2**t loses five digits of float32 at first.
        """
        real = np.float64 if self.parameters.dtype == torch.float64 else np.float32
        mean, square = (real(1) - real(beta) ** real(number) for beta in (self.beta1, self.beta2))
        rate = float(real(lr) * np.sqrt(square) / mean)
        root = (1 - self.beta2**number) ** 0.5
        return rate * (1 - self.beta1**number) / root, self.epsilon / root


def rule(optimizer: Optimizer, parameters: Tensor, decayed: int) -> Rule:
    """Return `optimizer` at work on `parameters`, with nothing remembered yet."""
    match optimizer:
        case SGD():
            return SGDRule(optimizer, parameters, decayed)
        case RMSprop():
            return RMSpropRule(optimizer, parameters, decayed)
        case Adam():
            return AdamRule(optimizer, parameters, decayed)
