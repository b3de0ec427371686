import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tenfold.training.numpy_losses import LOSSES, targets


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 4)) * 3, np.array([0, 1, 2, 3, 3, 0])


def test_targets_by_hand():
    found = targets(np.array([1, 0]), 4, 0.2, np.dtype(np.float32))
    np.testing.assert_allclose(found, [[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05]], rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_and_its_gradient_are_those_of_torch(batch, smoothing):
    logits, labels = batch
    loss, gradient = LOSSES["cross-entropy"](logits, targets(labels, 4, smoothing, logits.dtype))
    tensor = torch.tensor(logits, requires_grad=True)
    expected = F.cross_entropy(tensor, torch.tensor(labels), label_smoothing=smoothing)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_squared_error_and_its_gradient_are_those_of_autograd(batch, smoothing):
    logits, labels = batch
    wanted = targets(labels, 4, smoothing, logits.dtype)
    loss, gradient = LOSSES["squared-error"](logits, wanted)
    tensor = torch.tensor(logits, requires_grad=True)
    expected = ((torch.softmax(tensor, 1) - torch.tensor(wanted)) ** 2).sum(1).mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_squared_error_by_hand():
    # Equal logits of two classes: probabilities 1/2 and 1/2, so (1/2)**2 + (1/2)**2.
    loss, gradient = LOSSES["squared-error"](np.zeros((1, 2)), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx(0.5)
    np.testing.assert_allclose(gradient, [[-0.5, 0.5]])


@pytest.mark.parametrize("loss", LOSSES)
def test_huge_logits_give_finite_losses(loss):
    with np.errstate(all="raise", under="ignore"):
        value, gradient = LOSSES[loss](np.array([[1e5, -1e5]]), np.array([[0.0, 1.0]]))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
