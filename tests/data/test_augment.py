import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tenfold.data.augment import NOISE_SCALE, Augmentation, Draw, apply, basis, thicken
from tenfold.errors import DataError, RecipeError
from tenfold.seeds import generator, mix

CROSS = ndimage.generate_binary_structure(2, 1)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.test.images[:200]


def affine(count, linear, shift=(0.0, 0.0)):
    matrix = np.concatenate([np.array(linear, np.float32), np.array(shift, np.float32)[:, None]], 1)
    return Draw(affine=np.repeat(matrix[None], count, 0))


def test_nothing_drawn_nothing_done(images):
    assert not Augmentation().on
    draw = Augmentation().draw(len(images), (28, 28), generator(0, "augment"))
    assert draw == Draw()
    np.testing.assert_array_equal(apply(images, draw), images.astype(np.float32))


def test_the_identity_matrix_changes_nothing(images):
    np.testing.assert_array_equal(apply(images, affine(len(images), np.eye(2))), images)


@pytest.mark.parametrize(("down", "right"), [(3, 0), (0, -2), (-5, 4)])
def test_a_shift_by_whole_pixels_moves_and_fills_with_zeros(images, down, right):
    moved = apply(images, affine(len(images), np.eye(2), (-down, -right)))
    expected = np.zeros((len(images), 48, 48))
    expected[:, 10 + down : 38 + down, 10 + right : 38 + right] = images
    np.testing.assert_array_equal(moved, expected[:, 10:38, 10:38])


def test_agrees_with_scipy_for_any_matrix(images):
    draw = Augmentation(shift=3, rotation=40, scale=0.3, shear=20).draw(50, (28, 28), generator(0, "a"))
    ours = apply(images[:50], draw)
    middle = np.array([13.5, 13.5])
    for image, matrix, result in zip(images, draw.affine.astype(np.float64), ours, strict=False):
        offset = middle + matrix[:, 2] - matrix[:, :2] @ middle
        # "grid-constant" reads zeros between the border and what lies outside, as we do.
        theirs = ndimage.affine_transform(
            image.astype(np.float64), matrix[:, :2], offset, order=1, mode="grid-constant", cval=0
        )
        np.testing.assert_allclose(result, theirs, atol=0.01)


def test_pictures_that_are_not_square_and_have_colors(images):
    wide = np.stack([images[:20, 4:24]] * 3, -1)
    draw = Augmentation(shift=2, rotation=15, elastic=1, stroke=0.5).draw(20, (20, 28, 3), generator(0, "a"))
    result = apply(wide, draw)
    assert result.shape == wide.shape
    for channel in range(3):
        np.testing.assert_array_equal(result[..., channel], apply(wide[..., channel], draw))


class UpperBound:
    """Draws the upper bound of everything."""

    def random(self, shape, dtype):
        return np.ones(shape, dtype)

    def integers(self, low, high, shape, dtype):
        return np.zeros(shape, dtype)


def test_a_quarter_turn_is_counterclockwise(images):
    draw = Augmentation(rotation=90).draw(len(images), (28, 28), UpperBound())
    np.testing.assert_allclose(apply(images, draw), np.rot90(images, axes=(1, 2)), atol=0.01)


@pytest.mark.parametrize(
    ("values", "place"), [({"shift": 2}, (4, 6)), ({"scale": 0.5}, (1, 4)), ({"shear": 45}, (2, 6))]
)
def test_shift_is_down_and_right_scale_outward_shear_to_the_right(values, place):
    dot = np.zeros((1, 9, 9), np.uint8)
    dot[0, 2, 4] = 255
    result = apply(dot, Augmentation(**values).draw(1, (9, 9), UpperBound()))[0]
    assert np.unravel_index(result.argmax(), result.shape) == place


def test_the_same_seed_draws_the_same_and_things_do_not_disturb_each_other(images):
    one = Augmentation(rotation=10, noise=0.1).draw(50, (28, 28), generator(3, "augment", 0))
    two = Augmentation(rotation=10, noise=0.1).draw(50, (28, 28), generator(3, "augment", 0))
    np.testing.assert_array_equal(apply(images[:50], one), apply(images[:50], two))
    more = Augmentation(rotation=10, noise=0.1, stroke=1, elastic=2).draw(
        50, (28, 28), generator(3, "augment", 0)
    )
    np.testing.assert_array_equal(one.affine, more.affine)
    np.testing.assert_array_equal(one.noise_keys, more.noise_keys)


def test_an_image_comes_out_the_same_in_any_batch(images):
    draw = Augmentation(2, 10, 0.1, 5, 1, 0.5, 0.2).draw(len(images), (28, 28), generator(0, "a"))
    whole = apply(images, draw)
    some = np.array([150, 3, 77])
    # Matrix products of another batch may differ in the last bit.
    np.testing.assert_allclose(apply(images[some], draw.take(some)), whole[some], atol=1e-3)


def test_strength_scales_the_draw(images):
    full = Augmentation(4, 30, 0.2, 10, 2, 1, 0.2).draw(20, (28, 28), generator(0, "a"))
    half = Augmentation(2, 15, 0.1, 5, 1, 0.5, 0.1).draw(20, (28, 28), generator(0, "a"))
    faded = Augmentation(4, 30, 0.2, 10, 2, 1, 0.2).draw(20, (28, 28), generator(0, "a"), strength=0.5)
    np.testing.assert_array_equal(faded.affine, half.affine)
    np.testing.assert_array_equal(faded.field, half.field)
    assert not np.array_equal(full.affine, half.affine)
    gone = Augmentation(4, 30, 0.2, 10, 2, 1, 0.2).draw(20, (28, 28), generator(0, "a"), strength=0.0)
    np.testing.assert_allclose(apply(images[:20], gone), images[:20], atol=1e-3)


def test_bounds_are_kept():
    draw = Augmentation(shift=2, rotation=10, scale=0.1).draw(5000, (28, 28), generator(0, "a"))
    linear = np.linalg.inv(draw.affine[:, :, :2].astype(np.float64))
    factor = np.sqrt(np.linalg.det(linear))
    angle = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    shift = -(linear @ draw.affine[:, :, 2:])
    for values, bound, middle in ((factor, 0.1, 1), (angle, 10, 0), (shift, 2, 0)):
        assert np.abs(values - middle).max() <= bound * 1.001
        assert np.abs(values - middle).max() > bound * 0.98
        assert abs(values.mean() - middle) < bound / 20


def test_elastic_displacement_has_the_given_deviation_everywhere_and_no_mean():
    draw = Augmentation(elastic=1.5).draw(4000, (28, 28), generator(0, "a"))
    displacement = basis(28) @ draw.field @ basis(28).T
    assert abs(displacement.mean()) < 0.02
    np.testing.assert_allclose(displacement.std(0), 1.5, rtol=0.06)
    # Smooth: neighbors move almost alike.
    steps = np.diff(displacement, axis=-1)
    assert steps.std() < 0.35 * 1.5


def test_elastic_agrees_with_scipys_map_coordinates(images):
    draw = Augmentation(elastic=2).draw(10, (28, 28), generator(0, "a"))
    grid = np.mgrid[:28, :28]
    for image, field, result in zip(images, draw.field, apply(images[:10], draw), strict=False):
        places = grid + basis(28).astype(np.float64) @ field @ basis(28).T
        theirs = ndimage.map_coordinates(image.astype(np.float64), places, order=1, mode="grid-constant")
        np.testing.assert_allclose(result, theirs, atol=0.02)


@pytest.mark.parametrize("size", [5, 16, 28, 33])
def test_basis_rows_have_length_one(size):
    np.testing.assert_allclose(np.linalg.norm(basis(size), axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_whole_radii_agree_with_scipys_morphology(images, radius):
    kernel = ndimage.iterate_structure(CROSS, radius)
    thick = thicken(images[:8].astype(np.float32), np.full(8, radius, np.float32))
    thin = thicken(images[:8].astype(np.float32), np.full(8, -radius, np.float32))
    for image, more, less in zip(images, thick, thin, strict=False):
        np.testing.assert_array_equal(more, ndimage.grey_dilation(image, footprint=kernel, mode="constant"))
        np.testing.assert_array_equal(
            less, ndimage.grey_erosion(image, footprint=kernel, mode="constant", cval=255)
        )


def test_fractions_of_a_radius_lie_between(images):
    part = images[:3].astype(np.float32)
    whole = [thicken(part, np.full(3, radius, np.float32)) for radius in (0, 1, 2)]
    np.testing.assert_array_equal(whole[0], part)
    np.testing.assert_allclose(
        thicken(part, np.float32([0.25, 1.5, 2])),
        [
            0.75 * whole[0][0] + 0.25 * whole[1][0],
            0.5 * whole[1][1] + 0.5 * whole[2][1],
            whole[2][2],
        ],
        rtol=1e-5,
    )


def test_noise_is_the_documented_function_of_its_keys():
    keys = np.array([[5, 2**32 - 3]])
    image = np.full((1, 2, 2), 100, np.uint8)
    result = apply(image, Draw(noise=np.float32([0.1]), noise_keys=keys))
    for index, value in enumerate(result.ravel()):
        bits = int(mix(mix(np.array([5 + index], np.uint32)) ^ np.uint32(2**32 - 3))[0])
        number = (sum(bits >> shift & 255 for shift in (0, 8, 16, 24)) - 510) / NOISE_SCALE
        assert value == pytest.approx(100 + 25.5 * number, abs=1e-3)


def test_noise_has_the_given_deviation_and_is_independent():
    gray = np.full((400, 28, 28), 0.5, np.float32)
    draw = Augmentation(noise=0.1).draw(400, (28, 28), generator(0, "a"))
    noise = apply(gray, draw) - 0.5
    np.testing.assert_allclose(noise.std((1, 2)), draw.noise, rtol=0.15, atol=1e-4)
    loud = noise[draw.noise > 0.05].reshape(-1, 784)
    assert abs(loud.mean()) < 0.001
    off = np.corrcoef(loud)[~np.eye(len(loud), dtype=bool)]
    assert abs(off.mean()) < 0.005
    assert off.std() == pytest.approx(1 / 28, rel=0.1)


@settings(max_examples=30)
@given(
    st.builds(
        Augmentation,
        st.floats(0, 14),
        st.floats(0, 180),
        st.floats(0, 0.9),
        st.floats(0, 60),
        st.floats(0, 10),
        st.floats(0, 3),
        st.floats(0, 1),
    ),
    st.integers(0, 100),
)
def test_results_stay_in_range(augmentation, seed):
    images = np.random.default_rng(seed).integers(0, 256, (6, 12, 10), np.uint8)
    result = apply(images, augmentation.draw(6, (12, 10), generator(seed, "a")))
    assert result.shape == images.shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 255.001
    scaled = apply(images / np.float32(255), augmentation.draw(6, (12, 10), generator(seed, "a")))
    np.testing.assert_allclose(scaled * 255, result, atol=0.05)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shift": -1}, r"augmentation\.shift must be a number in \[0, 14\]. Got -1"),
        ({"rotation": 200}, r"augmentation\.rotation must be .* Got 200"),
        ({"scale": float("nan")}, r"augmentation\.scale must be .* Got nan"),
        ({"noise": "much"}, r"augmentation\.noise must be .* Got 'much'"),
        ({"stroke": True}, r"augmentation\.stroke must be .* Got True"),
    ],
)
def test_settings_out_of_range(values, message):
    with pytest.raises(RecipeError, match=message):
        Augmentation(**values)


def test_what_cannot_be_augmented(images):
    with pytest.raises(RecipeError, match="strength"):
        Augmentation().draw(1, (28, 28), generator(0), strength=1.5)
    with pytest.raises(DataError, match=r"needs images .* Got \(784,\) instead"):
        Augmentation(shift=1).draw(3, (784,), generator(0))
    draw = Augmentation(shift=1).draw(3, (28, 28), generator(0))
    with pytest.raises(DataError, match="needs images"):
        apply(np.zeros((3, 784), np.float32), draw)
    with pytest.raises(DataError, match="drawn for 3 images; these are 200"):
        apply(images, draw)
