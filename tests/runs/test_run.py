import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tenfold.runs
from tenfold.errors import StoreError
from tenfold.runs import Run, identity

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)
whats = st.dictionaries(st.text(max_size=4), trees, min_size=1, max_size=5)


def turned(value):
    """The same value with every dict in the opposite order and every list as a tuple."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return tuple(turned(item) for item in value)
    return value


def paths(value, path=()):
    """The path to each leaf; an empty dict or list is one."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, item in items for found in paths(item, (*path, key))]
    return [path]


def same(left, right):
    """Whether two leaves are one JSON value: as in Python, but True is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


@given(whats)
def test_the_order_of_keys_and_tuples_do_not_change_the_identity(what):
    assert identity(turned(what)) == identity(what)


@given(whats)
def test_the_identity_survives_json(what):
    assert identity(json.loads(json.dumps(what))) == identity(what)


@given(whats, leaves, st.data())
def test_any_changed_leaf_changes_the_identity(what, leaf, data):
    *above, last = data.draw(st.sampled_from(paths(what)))
    changed = copy.deepcopy(what)
    place = changed
    for key in above:
        place = place[key]
    assume(not same(place[last], leaf))
    place[last] = leaf
    assert identity(changed) != identity(what)


@given(whats, st.text(max_size=4), leaves)
def test_a_key_more_changes_the_identity(what, key, leaf):
    assume(key not in what)
    assert identity(what | {key: leaf}) != identity(what)


def test_the_identity_is_what_it_was_in_the_first_version():
    # Hashed by hand: printf '{"a":[1,2.5,true,null],"b":"\\u00e9"}' | sha256sum
    assert identity({"b": "é", "a": (1.0, 2.5, True, None)}) == (
        "51308dad8f473557c288bdcf663e8b151a041fa4029f9876860486c5ec15cbed"
    )


def test_the_identity_is_the_same_in_another_process():
    what = {"recipe": {"rate": 0.1, "batch": 32}, "layers": ["a", "b"], "seed": 3}
    source = Path(tenfold.runs.__file__).parents[2]
    script = f"import sys; sys.path.insert(0, {str(source)!r}); from tenfold.runs import identity; "
    told = subprocess.run(
        [sys.executable, "-c", script + f"print(identity({turned(what)!r}))"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert told.stdout.strip() == identity(what)


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ({"rate": float("nan")}, "what.rate"),
        ({"rate": float("inf")}, "what.rate"),
        ({"recipe": {"steps": [1, np.float32(2)]}}, r"what\.recipe\.steps\[1\]"),
        ({"images": np.zeros(3)}, "what.images"),
        ({"seed": np.int64(1)}, "what.seed"),
        ({"path": Path("x")}, "what.path"),
        ({"names": {"a"}}, "what.names"),
        ({"classes": {0: "zero"}}, "what.classes: a key must be text"),
    ],
)
def test_what_is_not_plain_json_has_no_identity(what, place):
    with pytest.raises(StoreError, match=place):
        identity(what)


def run(**changes):
    what = {"network": "fast", "betas": (0.9, 0.999)}
    values = {
        "id": identity(what),
        "network": "fast",
        "engine": "numpy",
        "data": "mnist",
        "seed": 0,
        "what": what,
        "history": {"loss": [1.0]},
        "metrics": {},
        "started": "2030-01-31T12:00:00+00:00",
        "seconds": 1.5,
    }
    return Run(**values | changes)


def test_a_run_holds_plain_json_values():
    made = run(
        history={"loss": np.array([2.0, 1.0], np.float32)},
        metrics={"accuracy": np.float64(0.5), "confusion": np.eye(2, dtype=np.int64)},
    )
    assert made.what["betas"] == [0.9, 0.999]
    assert made.history == {"loss": [2.0, 1.0]}
    assert made.metrics == {"accuracy": 0.5, "confusion": [[1, 0], [0, 1]]}
    json.dumps([made.what, made.history, made.metrics])


def test_the_start_is_kept_in_utc():
    assert run(started="2030-01-31T12:00:00+02:00").started == "2030-01-31T10:00:00.000+00:00"


def test_a_run_tells_its_environment_by_itself():
    made = run()
    assert made.versions["numpy"] == np.__version__
    assert made.hardware["cores"] >= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"started": "yesterday"}, "started must be an ISO time"),
        ({"started": "2030-01-31T12:00:00"}, "with its offset"),
        ({"history": [1, 2]}, "history of a run must be a dict"),
        ({"metrics": {"model": object()}}, "metrics.model"),
        ({"tags": {"engine": "mine"}}, "'engine' cannot name a tag"),
        ({"tags": {"two words": 1}}, "'two words' cannot name a tag"),
        ({"tags": {"scales": ["quick"]}}, "'scales' must be text"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(StoreError, match=message):
        run(**changes)
