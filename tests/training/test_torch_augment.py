"""The device augments as NumPy does, whose arithmetic is proven in its own tests."""

import numpy as np
import pytest
import torch

from tenfold.data import augment
from tenfold.data.augment import Augmentation
from tenfold.training.torch_augment import apply

EVERYTHING = {
    "shift": 3,
    "rotation": 30,
    "scale": 0.2,
    "shear": 15,
    "elastic": 1.5,
    "stroke": 2.5,
    "noise": 0.3,
}
KINDS = {kind: {kind: bound} for kind, bound in EVERYTHING.items()} | {
    "everything": EVERYTHING,
    "nothing": {},
}


def pictures(shape, dtype=np.uint8):
    rng = np.random.default_rng(0)
    # Smooth blots: where neighbors differ much, a rounded place changes the value read there.
    coarse = torch.tensor(rng.uniform(0, 255, (shape[0], shape[-1] if len(shape) == 4 else 1, 6, 6)))
    fine = torch.nn.functional.interpolate(coarse, shape[1:3], mode="bicubic").clamp(0, 255)
    images = fine.permute(0, 2, 3, 1).reshape(shape).numpy()
    return images.astype(np.uint8) if dtype == np.uint8 else (images / 255).astype(dtype)


@pytest.mark.parametrize("shape", [(40, 28, 28), (40, 20, 24), (15, 16, 17, 3)], ids=str)
@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_the_device_agrees_with_numpy(settings, shape):
    images = pictures(shape)
    draw = Augmentation(**settings).draw(len(images), shape[1:], np.random.default_rng(1))
    found = apply(torch.tensor(images), draw)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), augment.apply(images, draw), rtol=0, atol=0.02)


def test_images_in_zero_to_one_stay_there():
    images = pictures((20, 28, 28), np.float32)
    draw = Augmentation(**EVERYTHING).draw(20, (28, 28), np.random.default_rng(2))
    found = apply(torch.tensor(images), draw).numpy()
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_allclose(found, augment.apply(images, draw), rtol=0, atol=1e-4)


def test_a_whole_shift_moves_every_pixel_by_hand():
    images = pictures((2, 9, 9))
    draw = Augmentation(shift=1.0).draw(2, (9, 9), np.random.default_rng(0))
    moved = augment.Draw(affine=np.tile(np.array([[1, 0, -2], [0, 1, 1]], np.float32), (2, 1, 1)))
    assert draw.affine.shape == moved.affine.shape
    found = apply(torch.tensor(images), moved).numpy()
    # Output (r, c) reads input (r - 2, c + 1).
    expected = np.zeros((2, 9, 9))
    expected[:, 2:, :-1] = images[:, :-2, 1:]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_noise_is_the_same_to_the_bit():
    images = np.full((5, 28, 28), 128, np.uint8)
    draw = Augmentation(noise=0.1).draw(5, (28, 28), np.random.default_rng(3))
    found = apply(torch.tensor(images), draw).numpy()
    np.testing.assert_allclose(found, augment.apply(images, draw), rtol=1e-6)
    assert 0 < found.std() < 0.1 * 255
