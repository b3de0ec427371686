import numpy as np
import pytest

from tenfold.data import Digits
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.paper import Papers


@pytest.fixture(scope="session")
def glyphs(mnist: Digits) -> Glyphs:
    """A few hundred digits as lines."""
    drawn = draw_glyphs(200, np.random.default_rng(0))
    return Glyphs(mnist.train.images[:800], mnist.train.labels[:800], drawn)


@pytest.fixture(scope="session")
def papers() -> Papers:
    """A small stack of grounds."""
    return Papers(12, np.random.default_rng(0))
