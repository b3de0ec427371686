"""Every network of the zoo leaves Tenfold in every form, and says the same there."""

import pytest

from tenfold.export import export, verify
from tenfold.networks import NETWORKS
from tenfold.serving.folder import export_page

pytestmark = pytest.mark.needs("cc", "node")

STUDIES = ("abdelsalam", "hao", "lin", "okon", "shrestha")
FORMS = ("onnx", "c", "js", "web")


def kinds(name):
    """Return what a network is made of, as far as an export is concerned."""
    architecture = NETWORKS[name]
    return frozenset({type(node.layer).__name__ for node in architecture.walk()}), architecture.input_shape


SMALLEST = {kinds(name): name for name in sorted(NETWORKS, key=lambda name: -NETWORKS[name].parameters)}
"""Of the networks that are made of the same layers, the smallest; the others follow in the slow tests."""

QUICK = sorted(
    name
    for name in {*SMALLEST.values(), *(name for name in NETWORKS if not name.startswith(STUDIES))}
    if NETWORKS[name].multiply_adds < 5_000_000
)


def check(model, mnist, folder):
    for to in FORMS:
        for int8 in (False, True):
            place = folder / f"{to}-{int8}"
            place.mkdir()
            write = (
                export_page
                if to == "web"
                else lambda model, place, to=to, **how: export(model, to, place, **how)
            )
            exported = write(model, place, int8=int8, calibration=mnist.train.images[:100])
            parity = verify(model, exported, mnist.test.images[:20])
            assert parity.passed, (to, int8, parity)


@pytest.mark.parametrize("name", QUICK)
def test_every_kind_of_network_leaves_in_every_form(of, mnist, tmp_path, name):
    check(of(NETWORKS[name], temperature=1.0), mnist, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NETWORKS) - set(QUICK)))
def test_every_other_network_does(of, mnist, tmp_path, name):
    check(of(NETWORKS[name], temperature=1.0), mnist, tmp_path)
