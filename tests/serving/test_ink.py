"""The page brings pictures to 28x28 as Python does."""

import json
import subprocess

import cv2
import numpy as np
import pytest

from tenfold.data.normalize import normalize, threshold
from tenfold.serving.assets import web_folder

SCRIPT = """
import { readFileSync } from "node:fs";
const ink = await import(process.argv[1]);
const pictures = JSON.parse(readFileSync(0));
const result = pictures.map(({ values, width, height }) => ({
  normalized: [...ink.normalize({ values: Uint8Array.from(values), width, height })],
  threshold: ink.threshold(Float32Array.from(values)),
}));
console.log(JSON.stringify(result));
"""


def in_node(pictures):
    """Return what the page's module makes of gray pictures."""
    given = [
        {"values": gray.ravel().tolist(), "width": gray.shape[1], "height": gray.shape[0]}
        for gray in pictures
    ]
    command = ["node", "--input-type=module", "--eval", SCRIPT, "--", (web_folder() / "ink.mjs").as_uri()]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def drawn(rng, mnist):
    """Return what a board may hold: a digit of some size, dark on light, with room around."""
    digit = mnist.test.images[rng.integers(10_000)]
    height, width = rng.integers(20, 140, 2)
    ink = cv2.resize(digit, (int(width), int(height)), interpolation=cv2.INTER_CUBIC)
    pads = rng.integers(1, 20, (2, 2))
    return 255 - np.pad(ink, pads)


def photographed(rng, mnist):
    """Return the same with shading and grain, light on dark or dark on light."""
    gray = drawn(rng, mnist).astype(np.float64)
    rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]]
    shade = rng.uniform(-0.4, 0.4) * rows + rng.uniform(-0.4, 0.4) * columns
    gray = 60 + gray * rng.uniform(0.3, 0.55) + shade + rng.normal(0, rng.uniform(0, 5), gray.shape)
    gray = np.clip(np.rint(gray), 0, 255).astype(np.uint8)
    return 255 - gray if rng.random() < 0.5 else gray


@pytest.mark.parametrize("kind", [drawn, photographed])
def test_pictures_become_what_python_makes_of_them(mnist, kind):
    rng = np.random.default_rng(5)
    pictures = [kind(rng, mnist) for _ in range(60)]

    found = np.array([one["normalized"] for one in in_node(pictures)], int)

    wanted = np.array([normalize(gray).ravel() for gray in pictures], int)
    assert np.abs(found - wanted).max() <= 1
    assert (found != wanted).mean() < 1e-3


def test_what_is_odd():
    line = np.full((1, 40), 255, np.uint8)
    line[0, 10:20] = 0
    disc = np.full((9, 9), 255, np.uint8)
    disc[3:6, 3:6] = 0
    noise = np.random.default_rng(0).integers(0, 256, (30, 30)).astype(np.uint8)
    pictures = [np.full((50, 30), 255, np.uint8), np.zeros((28, 28), np.uint8), line, line.T, disc, noise]
    pictures += [np.array([[7]], np.uint8), np.array([[0, 255]], np.uint8)]

    for gray, one in zip(pictures, in_node(pictures), strict=True):
        wanted = normalize(gray).ravel().astype(int)
        assert np.abs(wanted - one["normalized"]).max() <= 1, gray.shape


def test_images_of_mnist_stay_as_they_are(mnist):
    images = mnist.test.images[:50]

    for image, one in zip(images, in_node(images), strict=True):
        assert one["normalized"] == image.ravel().tolist()


def test_the_level_between_two_groups(mnist):
    rng = np.random.default_rng(1)
    pictures = [photographed(rng, mnist) for _ in range(20)]

    for gray, one in zip(pictures, in_node(pictures), strict=True):
        assert one["threshold"] == pytest.approx(threshold(gray.astype(np.float32)), abs=1e-3)
