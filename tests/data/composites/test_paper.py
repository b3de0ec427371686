import numpy as np
import pytest

from tenfold.data.composites.paper import PATTERNS, Papers, Pattern, photograph, rule, shade


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS], ids=lambda p: p.__name__)
def test_a_pattern_fills_its_sheet(pattern: Pattern) -> None:
    for seed in range(3):
        ground = pattern(60, 150, np.random.default_rng(seed))
        assert ground.shape == (60, 150)
        assert ground.dtype == np.float32
        assert np.isfinite(ground).all()
        assert ground[:, :75].std() > 0
        assert ground[:, 75:].std() > 0


def test_paper_is_light_and_differs_from_sheet_to_sheet(papers: Papers) -> None:
    rng = np.random.default_rng(1)
    sheets = [papers.sheet(40, 200, rng) for _ in range(50)]
    levels = [float(np.median(sheet)) for sheet in sheets]
    assert 70 < min(levels) < max(levels) < 320
    assert np.std(levels) > 10
    assert papers.sheet(300, 1200, rng).shape == (300, 1200)  # larger than any ground that was made


def test_light_changes_smoothly() -> None:
    light = shade(50, 80, np.random.default_rng(0))
    assert light.shape == (50, 80)
    assert np.abs(np.diff(light, axis=1)).max() < 0.02


def test_a_rule_darkens_whole_rows() -> None:
    found = 0
    for seed in range(20):
        paper = np.full((40, 100), 200, np.float32)
        rule(paper, np.random.default_rng(seed))
        assert paper.max() <= 200
        found += bool((paper.mean(axis=1) < 190).any())
    assert found > 10


def test_a_photograph_keeps_what_it_shows() -> None:
    scene = np.full((40, 80), 200, np.float32)
    scene[:, 40:] = 60
    for seed in range(10):
        gray = photograph(scene, np.random.default_rng(seed))
        assert gray.dtype == np.uint8
        assert gray[:, :36].mean() == pytest.approx(200, abs=3)
        assert gray[:, 44:].mean() == pytest.approx(60, abs=3)
