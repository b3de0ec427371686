import inspect
from math import inf, nan

import pytest
import torch

from tenfold.errors import RecipeError
from tenfold.training.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop


def torch_defaults(kind: type) -> dict[str, object]:
    parameters = inspect.signature(kind).parameters.values()
    return {item.name: item.default for item in parameters if item.default is not item.empty}


def test_defaults_are_torchs_where_the_convention_is():
    theirs = torch_defaults(torch.optim.Adam)
    assert (Adam().lr, (Adam().beta1, Adam().beta2)) == (theirs["lr"], theirs["betas"])
    assert (Adam().epsilon, Adam().weight_decay) == (theirs["eps"], theirs["weight_decay"])
    assert AdamW().weight_decay == torch_defaults(torch.optim.AdamW)["weight_decay"]
    assert RMSprop().epsilon == torch_defaults(torch.optim.RMSprop)["eps"]
    assert (SGD().momentum, SGD().weight_decay, SGD().nesterov) == (0.0, 0.0, False)


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
@pytest.mark.parametrize("lr", [0, -0.1, nan, inf])
def test_the_rate_must_be_positive_and_finite(kind, lr):
    with pytest.raises(RecipeError, match=rf"^lr must be > 0 and finite\. Got {lr} instead\.$"):
        kind(lr=lr)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1.0), "momentum must be in [0, 1). Got 1.0 instead."),
        (lambda: SGD(nesterov=True), "nesterov must be false where momentum is 0. Got True instead."),
        (lambda: SGD(weight_decay=-1), "weight_decay must be >= 0 and finite. Got -1 instead."),
        (lambda: RMSprop(rho=1.0), "rho must be in [0, 1). Got 1.0 instead."),
        (lambda: RMSprop(epsilon=0.0), "epsilon must be > 0. Got 0.0 instead."),
        (lambda: RMSprop(convention="jax"), "convention must be 'torch' or 'keras'. Got 'jax' instead."),
        (lambda: Adam(beta1=-0.1), "beta1 must be in [0, 1). Got -0.1 instead."),
        (lambda: AdamW(beta2=1), "beta2 must be in [0, 1). Got 1 instead."),
        (lambda: AdamW(convention="tf"), "convention must be 'torch' or 'keras'. Got 'tf' instead."),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(RecipeError) as caught:
        make()
    assert str(caught.value) == message


def test_optimizers_are_values():
    assert Adam(lr=0.01) == Adam(lr=0.01)
    assert Adam() != AdamW(weight_decay=0.0)
