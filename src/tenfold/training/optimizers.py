"""Optimizers as values: which rule turns a gradient into a step, with every constant spelled out.

The engines hold the arithmetic. Where frameworks differ, the difference is a field here and never inherited
by accident: Keras adds epsilon in another place than torch, so each of `RMSprop`, `Adam` and `AdamW` names
its `convention`.

========  ==============================================  =================================================
rule      convention "torch"                              convention "keras"
========  ==============================================  =================================================
RMSprop   ``g / (sqrt(v) + epsilon)``                     ``g / sqrt(v + epsilon)``
Adam(W)   ``m' / (sqrt(v') + epsilon)``, m' and v'        ``m' / (sqrt(v') + epsilon / sqrt(1 - beta2**t))``
          corrected for their start at zero               (epsilon is added before v is corrected)
========  ==============================================  =================================================

Weight decay touches the weights of dense and convolutional layers only, never a bias or a norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from tenfold.errors import RecipeError

CONVENTIONS = ("torch", "keras")


def check(name: str, value: object, ok: bool, expected: str) -> None:
    """Raise `RecipeError` unless `ok`: ``name must be expected. Got value instead.``"""
    if not ok:
        raise RecipeError(f"{name} must be {expected}. Got {value!r} instead.")


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum if wanted: ``v = momentum * v + g``; step ``lr * v``.

    Attributes
    ----------
    lr : float > 0
    momentum : float in [0, 1)
    nesterov : bool
        Step along ``g + momentum * v`` instead.
    weight_decay : float >= 0
        Added to the gradient as ``weight_decay * weight`` (an L2 penalty).
    """

    lr: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_common(self.lr, self.weight_decay)
        check("momentum", self.momentum, 0 <= self.momentum < 1, "in [0, 1)")
        check("nesterov", self.nesterov, not self.nesterov or self.momentum > 0, "false where momentum is 0")


@dataclass(frozen=True)
class RMSprop:
    """Gradient over the root of its running mean square: ``v = rho * v + (1 - rho) * g**2`` (Hinton, 2012).

    Attributes
    ----------
    lr : float > 0
    rho : float in [0, 1)
        Keras' default is 0.9; torch calls it alpha and takes 0.99.
    epsilon : float > 0
        Keras' default is 1e-7, torch's 1e-8.
    momentum : float in [0, 1)
    weight_decay : float >= 0
        As in `SGD`.
    convention : "torch" or "keras"
        Where epsilon is added.
    """

    lr: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0
    convention: str = "torch"

    def __post_init__(self) -> None:
        _check_common(self.lr, self.weight_decay)
        check("rho", self.rho, 0 <= self.rho < 1, "in [0, 1)")
        check("epsilon", self.epsilon, self.epsilon > 0, "> 0")
        check("momentum", self.momentum, 0 <= self.momentum < 1, "in [0, 1)")
        check("convention", self.convention, self.convention in CONVENTIONS, "'torch' or 'keras'")


@dataclass(frozen=True)
class Adam:
    """Adaptive moments (Kingma and Ba, 2015).

    Attributes
    ----------
    lr : float > 0
    beta1, beta2 : float in [0, 1)
    epsilon : float > 0
        Keras' default is 1e-7, torch's 1e-8.
    weight_decay : float >= 0
        Added to the gradient, as in `SGD`; for decay apart from the gradient take `AdamW`.
    convention : "torch" or "keras"
        Where epsilon is added.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    convention: str = "torch"

    def __post_init__(self) -> None:
        _check_common(self.lr, self.weight_decay)
        check("beta1", self.beta1, 0 <= self.beta1 < 1, "in [0, 1)")
        check("beta2", self.beta2, 0 <= self.beta2 < 1, "in [0, 1)")
        check("epsilon", self.epsilon, self.epsilon > 0, "> 0")
        check("convention", self.convention, self.convention in CONVENTIONS, "'torch' or 'keras'")


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: each step first shrinks the weights by ``lr * weight_decay`` of
    themselves (Loshchilov and Hutter, 2019).

    Attributes as in `Adam`.
    """

    weight_decay: float = 0.01


Optimizer = SGD | RMSprop | Adam | AdamW

OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def _check_common(lr: float, weight_decay: float) -> None:
    check("lr", lr, 0 < lr < inf, "> 0 and finite")
    check("weight_decay", weight_decay, 0 <= weight_decay < inf, ">= 0 and finite")
