import numpy as np

from tenfold.data.composites.glyphs import Glyphs
from tenfold.data.composites.paper import Papers
from tenfold.data.composites.patches import make_patch


def test_a_patch_is_a_gray_picture_with_its_truth(glyphs: Glyphs, papers: Papers) -> None:
    rng = np.random.default_rng(0)
    patches = [make_patch(glyphs, papers, rng) for _ in range(200)]
    assert {patch.gray.dtype for patch in patches} == {np.dtype(np.uint8)}
    for patch in patches:
        assert patch.gray.ndim == 2
        assert min(patch.gray.shape) >= 8
        assert len(patch.spans) == len(patch.text)
    empty = sum(patch.text == "" for patch in patches)
    assert 2 <= empty <= 40


def test_ink_is_darker_than_paper_where_the_digits_are(glyphs: Glyphs, papers: Papers) -> None:
    rng = np.random.default_rng(1)
    darker = []
    for _ in range(150):
        patch = make_patch(glyphs, papers, rng)
        for left, right in patch.spans:
            digit = patch.gray[:, max(0, int(left)) : int(right) + 2]
            if digit.size:
                darker.append(np.median(digit) - np.quantile(digit, 0.02))
    assert np.mean(np.array(darker) > 15) > 0.95


def test_the_same_generator_makes_the_same_patch(glyphs: Glyphs, papers: Papers) -> None:
    one, two = (make_patch(glyphs, papers, np.random.default_rng(7)) for _ in range(2))
    assert one.text == two.text
    assert one.spans == two.spans
    np.testing.assert_array_equal(one.gray, two.gray)
