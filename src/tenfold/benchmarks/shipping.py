"""The weights that ship: which trainings they come from, and how they get into the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tenfold.benchmarks.recipes import plan
from tenfold.data.catalog import load
from tenfold.errors import StoreError, lookup
from tenfold.evaluation.report import evaluate
from tenfold.models.fit import model_folder
from tenfold.models.model import PRETRAINED, Model
from tenfold.networks.ensemble import join, side_by_side
from tenfold.runs.run import identity
from tenfold.runs.store import Store
from tenfold.training.engine import Engine

SHIPPED: dict[str, tuple[str, tuple[int, ...]]] = {
    "base": ("base", (0,)),
    "base-1": ("base", (1,)),
    "base-2": ("base", (2,)),
    "base-ensemble": ("base", (0, 1, 2)),
    "tiny-700": ("tiny-700", (0,)),
    "tiny-4k": ("tiny-4k", (0,)),
    "tiny-8k": ("tiny-8k", (0,)),
}
"""Recipe and seeds of each model that ships; fixed before any of them was measured."""


def ship(name: str, *, engine: Engine, store: Store, folder: Path = PRETRAINED) -> Path:
    """Write the model `name` into the package, from runs that are kept; return its folder.

    Several seeds are put side by side into one network, which gives the mean of their logits.

    Raises
    ------
    UnknownNameError
        No such model ships.
    StoreError
        A run it comes from is not kept.
    """
    recipe, seeds = lookup("model that ships", name, SHIPPED)
    members = [_kept(recipe, seed, engine, store) for seed in seeds]
    made = members[0] if len(members) == 1 else together(members)
    return replace(made, architecture=made.architecture.named(name)).save(folder / name)


def together(members: Sequence[Model]) -> Model:
    """Return models of one architecture as one that gives the mean of their logits, measured on MNIST."""
    first = members[0]
    joined = Model(
        side_by_side(first.architecture, len(members)),
        join(first.architecture, [member.weights for member in members]),
        first.classes,
    )
    test = load("mnist").test
    found = evaluate(test.labels, joined.predict_proba(test.images), test.classes).to_dict()
    results = {test.name: {key: found[key] for key in ("accuracy", "interval", "n", "nll", "ece")}}
    seeds = [seed for member in members for seed in member.card["seeds"]]
    seconds = round(sum(member.card["seconds"] for member in members), 2)
    card = first.card | {"seeds": seeds, "seconds": seconds, "results": results}
    return replace(joined, card=card)


def _kept(recipe: str, seed: int, engine: Engine, store: Store) -> Model:
    run = store.find(identity(plan(recipe, seed).what(engine)))
    if run is None:
        raise StoreError(
            f"The training of {recipe} under seed {seed} is not kept in {store.root}. "
            f"Train it first: tenfold recipes measure {recipe} --seeds {seed + 1}"
        )
    return Model.load(model_folder(run))
