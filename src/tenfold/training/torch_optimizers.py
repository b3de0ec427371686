"""The arithmetic of each optimizer, in torch, on one flat array of all trained parameters.

Since the parameters are one array and their gradient another, a step is a few vector operations however many
layers there are. And however many networks: the arrays of several lie in the rows of a matrix, and what their
optimizers differ in are columns beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.adam import adam

from tenfold.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

Number = float | NDArray[np.float64]
"""A learning rate or a constant: of one network; or of many, a column (members, 1)."""

Factor = float | Tensor
"""A `Number` that arrays on the device can be multiplied by."""


class Rule(ABC):
    """An optimizer at work on one network, or several of one `family` on as many.

    Parameters
    ----------
    optimizers : sequence of Optimizer
        One for each row of `parameters`.
    parameters : (size,) or (members, size) Tensor
        Changed in place by `step`.
    decayed : int
        Weight decay touches the first so many of each network's.
    """

    def __init__(self, optimizers: Sequence[Any], parameters: Tensor, decayed: int) -> None:
        self.optimizers, self.parameters, self.decayed = optimizers, parameters, decayed
        self.decay = self.number("weight_decay")
        self.slots: dict[str, Tensor] = {}
        """What the rule remembers from step to step, each of the parameters' shape."""

    def number(self, name: str) -> Number:
        """Return the constant `name` of the optimizers."""
        values = [float(getattr(each, name)) for each in self.optimizers]
        return values[0] if self.parameters.ndim == 1 else np.array(values)[:, None]

    def factor(self, number: Number) -> Factor:
        """Return `number` where the parameters are."""
        if isinstance(number, float):
            return number
        return torch.tensor(number, dtype=self.parameters.dtype, device=self.parameters.device)

    def step(self, gradient: Tensor, lr: Number, number: int) -> None:
        """Do step `number` (from 1) along `gradient`, of the parameters' shape, which is used up."""
        if np.any(self.decay):
            weights = self.parameters[..., : self.decayed]
            _add(gradient[..., : self.decayed], weights, self.factor(self.decay))
        self.update(gradient, lr, number)

    @abstractmethod
    def update(self, gradient: Tensor, lr: Number, number: int) -> None:
        """Change the parameters; weight decay is in `gradient` already."""

    def _slot(self, name: str) -> Tensor:
        self.slots[name] = torch.zeros_like(self.parameters)
        return self.slots[name]


class SGDRule(Rule):
    """See `optimizers.SGD`."""

    def __init__(self, optimizers: Sequence[SGD], parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizers, parameters, decayed)
        self.momentum = self.factor(self.number("momentum"))
        self.nesterov = optimizers[0].nesterov
        self.velocity = self._slot("velocity") if optimizers[0].momentum else None

    def update(self, gradient: Tensor, lr: Number, number: int) -> None:
        direction = gradient
        if self.velocity is not None:
            self.velocity.mul_(self.momentum).add_(gradient)
            direction = _add(gradient, self.velocity, self.momentum) if self.nesterov else self.velocity
        _add(self.parameters, direction, self.factor(-lr))


class RMSpropRule(Rule):
    """See `optimizers.RMSprop`."""

    def __init__(self, optimizers: Sequence[RMSprop], parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizers, parameters, decayed)
        rho = self.number("rho")
        self.rho, self.rest = self.factor(rho), self.factor(1 - rho)
        self.epsilon, self.momentum = (
            self.factor(self.number("epsilon")),
            self.factor(self.number("momentum")),
        )
        self.keras = optimizers[0].convention == "keras"
        self.square = self._slot("square")
        self.velocity = self._slot("velocity") if optimizers[0].momentum else None

    def update(self, gradient: Tensor, lr: Number, number: int) -> None:
        _add_product(self.square.mul_(self.rho), gradient, gradient, self.rest)
        square, epsilon = self.square, self.epsilon
        root = square.add(epsilon).sqrt_() if self.keras else square.sqrt().add_(epsilon)
        if self.velocity is None:
            _add_quotient(self.parameters, gradient, root, self.factor(-lr))
        else:
            self.velocity.mul_(self.momentum).addcdiv_(gradient, root)
            _add(self.parameters, self.velocity, self.factor(-lr))


class AdamRule(Rule):
    """See `optimizers.Adam` and `optimizers.AdamW`."""

    def __init__(self, optimizers: Sequence[Adam], parameters: Tensor, decayed: int) -> None:
        super().__init__(optimizers, parameters, decayed)
        self.beta1, self.beta2, self.epsilon = (self.number(name) for name in ("beta1", "beta2", "epsilon"))
        self.rest1, self.kept2, self.rest2 = map(self.factor, (1 - self.beta1, self.beta2, 1 - self.beta2))
        self.keras = optimizers[0].convention == "keras"
        self.decoupled = isinstance(optimizers[0], AdamW)
        self.mean, self.square = self._slot("mean"), self._slot("square")
        self.done = torch.zeros((), dtype=torch.float32, device=parameters.device)

    def step(self, gradient: Tensor, lr: Number, number: int) -> None:
        if not self.decoupled:
            super().step(gradient, lr, number)
            return
        if np.any(self.decay):
            self.parameters[..., : self.decayed].mul_(self.factor(1 - lr * self.decay))
        self.update(gradient, lr, number)

    def update(self, gradient: Tensor, lr: Number, number: int) -> None:
        epsilon = self.epsilon
        if self.keras:
            lr, epsilon = self._as_keras(lr, number)
        if isinstance(lr, float) and isinstance(epsilon, float):
            self._update_one(gradient, lr, epsilon, number)
        else:
            self._update_rows(gradient, lr, epsilon, number)

    def _update_one(self, gradient: Tensor, lr: float, epsilon: float, number: int) -> None:
        adam(
            [self.parameters],
            [gradient],
            [self.mean],
            [self.square],
            [],
            [self.done.fill_(number - 1)],
            fused=True,
            amsgrad=False,
            beta1=self.optimizers[0].beta1,
            beta2=self.optimizers[0].beta2,
            lr=lr,
            weight_decay=0.0,
            eps=epsilon,
            maximize=False,
        )

    def _update_rows(self, gradient: Tensor, lr: Number, epsilon: Number, number: int) -> None:
        """Do what torch's `adam` does, which takes no columns."""
        begun1, begun2 = (1 - beta**number for beta in (self.beta1, self.beta2))
        self.mean.lerp_(gradient, self.rest1)
        _add_product(self.square.mul_(self.kept2), gradient, gradient, self.rest2)
        root = self.square.sqrt().mul_(self.factor(begun2**-0.5)).add_(self.factor(epsilon))
        _add_quotient(self.parameters, self.mean, root, self.factor(-lr / begun1))

    def _as_keras(self, lr: Number, number: int) -> tuple[Number, Number]:
        """Return the rate and epsilon with which torch's step is that of Keras.

        torch corrects the root for its start before it adds epsilon, and works the corrections out in
        float64. Keras takes the weights' precision, and 1 - beta2**t loses five digits of float32 at first.
        """
        real = np.float64 if self.parameters.dtype == torch.float64 else np.float32
        mean, square = (real(1) - real(beta) ** real(number) for beta in (self.beta1, self.beta2))
        rate = np.float64(real(lr) * np.sqrt(square) / mean)
        root = (1 - self.beta2**number) ** 0.5
        return rate * (1 - self.beta1**number) / root, self.epsilon / root


RULES: dict[type[Optimizer], type[Rule]] = {
    SGD: SGDRule,
    RMSprop: RMSpropRule,
    Adam: AdamRule,
    AdamW: AdamRule,
}


def rule(optimizer: Optimizer, parameters: Tensor, decayed: int) -> Rule:
    """Return `optimizer` at work on `parameters` (size,), with nothing remembered yet."""
    return RULES[type(optimizer)]([optimizer], parameters, decayed)


def family(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return what optimizers have in common whose networks are stepped in one."""
    form = (getattr(optimizer, name, None) for name in ("nesterov", "convention"))
    return (type(optimizer), bool(getattr(optimizer, "momentum", 0)), *form)


def rule_of_many(optimizers: Sequence[Optimizer], parameters: Tensor, decayed: int) -> Rule:
    """Return optimizers of one `family` at work, each on its row of `parameters` (members, size)."""
    return RULES[type(optimizers[0])](optimizers, parameters, decayed)


# What torch does in one operation where the factor is a number takes two where it is a column.


def _add(into: Tensor, what: Tensor, factor: Factor) -> Tensor:
    if isinstance(factor, Tensor):
        return into.addcmul_(what, factor)
    return into.add_(what, alpha=factor)


def _add_product(into: Tensor, one: Tensor, other: Tensor, factor: Factor) -> Tensor:
    if isinstance(factor, Tensor):
        return into.addcmul_(one * other, factor)
    return into.addcmul_(one, other, value=factor)


def _add_quotient(into: Tensor, one: Tensor, other: Tensor, factor: Factor) -> Tensor:
    if isinstance(factor, Tensor):
        return into.addcmul_(one / other, factor)
    return into.addcdiv_(one, other, value=factor)
