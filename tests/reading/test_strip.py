import cv2
import numpy as np
import pytest

from tenfold.reading.strip import HEIGHT, MARGIN, STRIDE, View, extent, level, make_strip, make_strips


def written(height: int = 60, width: int = 200, paper: float = 200, ink: float = 60) -> np.ndarray:
    """Three tall strokes between rows 15 and 45."""
    gray = np.full((height, width), paper, np.uint8)
    for x in (40, 100, 160):
        cv2.line(gray, (x, 16), (x, 44), ink, 3)
    return gray


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (20, 20), (35, 75), (80, 307), (700, 900)])
def test_any_patch_becomes_a_strip(shape: tuple[int, int]) -> None:
    strip = make_strip(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    assert strip.ink.shape[0] == HEIGHT
    assert strip.ink.shape[1] % STRIDE == 0
    assert strip.ink.dtype == np.uint8


def test_columns_of_the_strip_lead_back_to_the_patch() -> None:
    strip = make_strip(written())
    middle = strip.ink[HEIGHT // 2].astype(float)
    peaks = [
        at
        for at in range(1, len(middle) - 1)
        if middle[at] > 120 and middle[at] == middle[at - 1 : at + 2].max()
    ]
    found = sorted({round(strip.column((peak + 0.5) / STRIDE) / 20) * 20 for peak in peaks})
    assert found == [40, 100, 160]


def test_writing_fills_the_height_whatever_the_slack() -> None:
    for above, below in [(0, 0), (30, 5), (5, 40)]:
        gray = np.pad(written(), ((above, below), (0, 0)), constant_values=200)
        rows = np.flatnonzero((make_strip(gray).ink > 120).any(axis=1))
        assert rows[0] == pytest.approx(HEIGHT * 0.1, abs=4)
        assert rows[-1] == pytest.approx(HEIGHT * 0.9, abs=4)


def test_a_rule_is_not_writing() -> None:
    gray = written()
    gray[55:57] = 30
    top, bottom = extent(level(gray))
    assert top == pytest.approx(15, abs=6)
    assert bottom == pytest.approx(45, abs=6)


def test_uneven_light_and_weak_contrast_give_the_same_ink() -> None:
    plain = make_strip(written()).ink.astype(float)
    light = np.linspace(0.5, 1.2, 200)[None] * np.linspace(0.8, 1.0, 60)[:, None]
    shaded = make_strip((written() * light).clip(0, 255).astype(np.uint8)).ink.astype(float)
    weak = make_strip(written(paper=160, ink=110)).ink.astype(float)
    assert np.abs(plain - shaded).mean() < 8
    assert np.abs(plain - weak).mean() < 8


def test_faint_grain_does_not_become_ink() -> None:
    grain = np.random.default_rng(0).normal(200, 3, (60, 200)).astype(np.uint8)
    assert np.mean(make_strip(grain).ink > 120) < 0.01


def test_zoom_and_margin() -> None:
    near, far = make_strip(written()), make_strip(written(), View(zoom=0.5))
    assert far.scale == pytest.approx(near.scale / 2, rel=0.05)
    assert near.offset == MARGIN
    assert near.ink[:, :MARGIN].max() == 0


def test_a_stretched_view_is_as_much_wider() -> None:
    plain, wide = make_strips(written(), [View(), View(width=1.5)])
    assert wide.scale == pytest.approx(1.5 * plain.scale, rel=0.02)
    inked = [np.flatnonzero((strip.ink > 120).any(axis=0)) for strip in (plain, wide)]
    for strip, columns in zip((plain, wide), inked, strict=True):
        assert strip.column(columns.min() / STRIDE) == pytest.approx(38, abs=2)
        assert strip.column(columns.max() / STRIDE) == pytest.approx(162, abs=2)


@pytest.mark.parametrize("slant", [-0.3, 0.3])
def test_a_slanted_view_leans_about_the_middle_row(slant: float) -> None:
    plain, slanted = make_strips(written(), [View(), View(slant=slant)])
    shifts = []
    for row in (10, HEIGHT - 11):
        middles = [
            strip.column(np.flatnonzero(strip.ink[row] > 120).mean() / STRIDE) for strip in (plain, slanted)
        ]
        shifts.append((middles[1] - middles[0]) * plain.scale)
    expected = slant * (HEIGHT / 2 - 10.5)
    assert shifts == pytest.approx([expected, -expected], abs=0.6)
