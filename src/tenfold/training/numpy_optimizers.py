"""The arithmetic of the optimizers (`optimizers` says what each constant means).

Each rule changes one array of weights in place, given its gradient and what the rule remembers of the steps
before: its slots, arrays of the same shape that start at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from math import sqrt

import numpy as np

from tenfold.training.numpy_operation import Array, Arrays
from tenfold.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop


def sgd(rule: SGD, weight: Array, gradient: Array, slots: Arrays, rate: float, time: int) -> None:
    """Step downhill; with momentum along a decaying sum of the gradients."""
    if rule.momentum:
        velocity = slots["velocity"]
        velocity *= rule.momentum
        velocity += gradient
        gradient = gradient + rule.momentum * velocity if rule.nesterov else velocity
    weight -= rate * gradient


def rmsprop(rule: RMSprop, weight: Array, gradient: Array, slots: Arrays, rate: float, time: int) -> None:
    """Divide the gradient by the root of its running mean square."""
    square = slots["square"]
    square += (1 - rule.rho) * (gradient * gradient - square)
    if rule.convention == "keras":
        direction = gradient / np.sqrt(square + rule.epsilon)
    else:
        direction = gradient / (np.sqrt(square) + rule.epsilon)
    if rule.momentum:
        velocity = slots["velocity"]
        velocity *= rule.momentum
        velocity += direction
        direction = velocity
    weight -= rate * direction


def adam(rule: Adam, weight: Array, gradient: Array, slots: Arrays, rate: float, time: int) -> None:
    """Divide the running mean of the gradient by the root of that of its square, both corrected."""
    mean, square = slots["mean"], slots["square"]
    mean += (1 - rule.beta1) * (gradient - mean)
    square += (1 - rule.beta2) * (gradient * gradient - square)
    correction = sqrt(1 - rule.beta2**time)
    epsilon = rule.epsilon / correction if rule.convention == "keras" else rule.epsilon
    weight -= (rate / (1 - rule.beta1**time)) * mean / (np.sqrt(square) / correction + epsilon)


RULES: dict[type[Optimizer], Callable[..., None]] = {SGD: sgd, RMSprop: rmsprop, Adam: adam, AdamW: adam}


def slot_names(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of what `optimizer` remembers for each array."""
    if isinstance(optimizer, Adam):
        return ("mean", "square")
    velocity = ("velocity",) if optimizer.momentum else ()
    return ("square", *velocity) if isinstance(optimizer, RMSprop) else velocity


class Stepper:
    """An optimizer at work on the arrays of one network.

    Parameters
    ----------
    optimizer : Optimizer
    weights : dict of arrays
        The trained ones, by key.
    decayed : container of str
        The keys that weight decay touches.

    Attributes
    ----------
    slots : dict of dict of arrays
        By key, then by name.
    """

    def __init__(self, optimizer: Optimizer, weights: Arrays, decayed: Container[str]) -> None:
        self.optimizer = optimizer
        self.decayed = decayed
        self.slots = {
            key: {name: np.zeros_like(weight) for name in slot_names(optimizer)}
            for key, weight in weights.items()
        }

    def step(self, weights: Arrays, gradients: Arrays, rate: float, time: int) -> None:
        """Change `weights` in place by one step.

        Parameters
        ----------
        weights, gradients : dict of arrays
            By key; `weights` may hold more than is trained.
        rate : float
            The learning rate of this step.
        time : int
            Which step this is, from 1.
        """
        rule = RULES[type(self.optimizer)]
        for key, slots in self.slots.items():
            weight, gradient = weights[key], gradients[key]
            decay = self.optimizer.weight_decay if key in self.decayed else 0.0
            if decay and isinstance(self.optimizer, AdamW):
                weight *= 1 - rate * decay
            elif decay:
                gradient = gradient + decay * weight
            rule(self.optimizer, weight, gradient, slots, rate, time)
