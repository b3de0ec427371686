"""A training that is done once and kept: trained, measured, saved as a model folder, added to the store."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.data.formats.files import atomic
from tenfold.errors import NetworkError, StoreError, TrainingStopped
from tenfold.evaluation.calibration import confidence_thresholds, softmax
from tenfold.evaluation.report import evaluate
from tenfold.models.card import describe
from tenfold.models.model import Model
from tenfold.networks.architecture import Architecture
from tenfold.runs.run import Run, identity
from tenfold.runs.store import Store
from tenfold.training.checkpoint import remove_checkpoint
from tenfold.training.distillation import Teacher
from tenfold.training.engine import Engine
from tenfold.training.loop import Progress, Trained, train
from tenfold.training.recipe import Recipe

PREDICTIONS = "predictions.npz"

LIMITS = (
    "Made for single, centered pictures like those it was trained on; anything else gets a label too.",
    "Measured on the data sets named under Results only; expect less on other writers, pens and scanners.",
)


@dataclass(frozen=True, eq=False)
class Fit:
    """All that decides what a training gives, but the engine.

    Attributes
    ----------
    architecture : Architecture
    recipe : Recipe
    train : Dataset
        The training images.
    test : Dataset or None
        Measured once, at the end.
    validation : Dataset or None
        Measured after every epoch. Nothing of the training is chosen by it; from which confidence on the
        model may be trusted is measured on it, and stands in the model's card.
    seed : int
    teacher : Teacher or None
        What a recipe with distillation learns from (`with_teacher`).
    """

    architecture: Architecture
    recipe: Recipe
    train: Dataset
    test: Dataset | None = None
    validation: Dataset | None = None
    seed: int = 0
    teacher: Teacher | None = None

    def __post_init__(self) -> None:
        for part in (self.train, self.test, self.validation):
            if part is not None and len(part.classes) != self.architecture.classes:
                raise NetworkError(
                    f"{self.architecture.name or 'The network'} tells {self.architecture.classes} classes "
                    f"apart, but {part.name} has {len(part.classes)}; they must be as many."
                )

    def what(self, engine: Engine) -> dict[str, Any]:
        """Return what the run is, as plain JSON values: its id is the `identity` of this."""
        parts = {"train": self.train, "test": self.test, "validation": self.validation}
        return {
            "network": self.architecture.to_dict(),
            "recipe": self.recipe.to_dict(),
            "data": {
                name: {"name": part.name, "images": len(part), "sha256": part.sha256}
                for name, part in parts.items()
                if part is not None
            },
            "seed": self.seed,
            "engine": engine.settings(self.recipe),
        } | ({} if self.teacher is None else {"teacher": self.teacher.sha256})


@dataclass(frozen=True)
class Fitted:
    """A kept run.

    Attributes
    ----------
    run : Run
    repeated : bool
        It was in the store already, so nothing was trained.
    """

    run: Run
    repeated: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the model."""
        return model_folder(self.run)

    def model(self) -> Model:
        """Return the trained model; raise `StoreError` where its folder was deleted."""
        return Model.load(self.folder)


def fit(
    plan: Fit,
    *,
    engine: Engine,
    store: Store,
    tags: dict[str, Any] | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    waiting: Callable[[], None] | None = None,
) -> Fitted:
    """Return the run that `plan` describes: from the store, else trained and put there.

    Parameters
    ----------
    plan : Fit
    engine : Engine
    store : Store
    tags : dict
        What else to find the run by.
    on_epoch, on_progress : function of Progress, or None
        As in `train`.
    waiting : function, or None
        Called once where another process is training the same run, which is then waited for.

    Raises
    ------
    TrainingStopped
        The user pressed Ctrl-C; the same call goes on from the last finished epoch, or measures what is
        trained.
    TenfoldError
        Whatever `train`, `Model.save` and the store raise.
    """
    what = plan.what(engine)
    id = identity(what)
    with store.claim(id, waiting=waiting):
        found = store.find(id)
        if found is not None:
            return Fitted(found, repeated=True)
        started = datetime.now(UTC).isoformat()
        folder = store.folder(id)
        trained = train(
            plan.architecture,
            plan.recipe,
            plan.train,
            engine=engine,
            seed=plan.seed,
            teacher=plan.teacher,
            monitors={} if plan.validation is None else {"validation": plan.validation},
            folder=folder,
            keep_checkpoint=True,
            on_epoch=on_epoch,
            on_progress=on_progress,
        )
        try:
            metrics, results = _measure(plan, trained, engine, folder)
            card = describe(trained, plan.train, results=results, limits=LIMITS)
            card |= _thresholds(plan, trained, engine)
            Model(plan.architecture, trained.weights, plan.train.classes, card=card).save(folder / "model")
        except KeyboardInterrupt:
            raise TrainingStopped(
                "The training is done and saved, but not measured yet. Run the same training again to go on."
            ) from None
        run = Run(
            id=id,
            network=plan.architecture.name,
            engine=engine.name,
            data=plan.train.name,
            seed=plan.seed,
            what=what,
            history=trained.history.to_dict(),
            metrics=metrics,
            folder=folder,
            started=started,
            seconds=trained.seconds,
            tags=tags or {},
        )
        store.add(run)
        # Only now: what is killed while it is measured need not be trained again.
        remove_checkpoint(folder)
        return Fitted(run)


def model_folder(run: Run) -> Path:
    """Return the folder of the model that a run left.

    Raises
    ------
    StoreError
        The run left none, or it was deleted.
    """
    folder = None if run.folder is None else run.folder / "model"
    if folder is None or not folder.is_dir():
        raise StoreError(
            f"The run {run.id[:12]} has no model (expected {folder or 'a folder'}). To train it again, "
            f"first remove it: tenfold runs remove {run.id[:12]}"
        )
    return folder


def keep_predictions(folder: Path, labels: NDArray[Any], probabilities: NDArray[Any]) -> Path:
    """Write what a run said of its test set into ``predictions.npz``, and return its path.

    Parameters
    ----------
    folder : Path
        The run's; made if missing.
    labels : (n,) integers
        The true ones, in the order of the test set.
    probabilities : (n, classes) floats

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    kind = np.uint8 if probabilities.shape[1] <= 256 else np.int64
    path = folder / PREDICTIONS
    try:
        with atomic(path) as file:
            np.savez_compressed(
                file,
                truth=labels.astype(kind),
                predicted=probabilities.argmax(axis=1).astype(kind),
                confidence=probabilities.max(axis=1).astype(np.float32),
            )
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def read_predictions(run: Run) -> dict[str, NDArray[Any]] | None:
    """Return what `keep_predictions` wrote for a run: truth, predicted, confidence. None: it left none.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    if run.folder is None or not (path := run.folder / PREDICTIONS).is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise StoreError(
            f"{path} is damaged ({error}). To train the run again, first remove it: "
            f"tenfold runs remove {run.id[:12]}"
        ) from None


def _thresholds(plan: Fit, trained: Trained, engine: Engine) -> dict[str, Any]:
    """Return what the model card says of confidence: what was measured on the held-out images, if any."""
    held = plan.validation
    if held is None:
        return {}
    probabilities = softmax(engine.logits(plan.architecture, trained.weights, held.images))
    found = confidence_thresholds(held.labels, probabilities)
    levels = {f"{rate:g}": level for rate, level in found.items()}
    return {"thresholds": {"confidence": levels, "basis": f"measured on {len(held):,} held-out images"}}


def _measure(
    plan: Fit, trained: Trained, engine: Engine, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the metrics of the run, and those that the model card shows; keep its predictions."""
    last = trained.history.rows[-1]
    metrics: dict[str, Any] = {"n_train": len(plan.train), "cpu_seconds": trained.cpu_seconds}
    metrics |= {name: last[name] for name in ("train_accuracy", "train_loss")}
    shown: dict[str, Any] = {}
    if plan.validation is not None:
        metrics |= {name: last[name] for name in ("validation_accuracy", "validation_loss")}
        shown["validation"] = {"accuracy": last["validation_accuracy"], "n": len(plan.validation)}
    if plan.test is not None:
        probabilities = softmax(engine.logits(plan.architecture, trained.weights, plan.test.images))
        found = evaluate(plan.test.labels, probabilities, plan.test.classes).to_dict()
        keep_predictions(folder, plan.test.labels, probabilities)
        metrics |= {"test": found, "test_accuracy": found["accuracy"], "test_loss": found["nll"]}
        shown[plan.test.name] = {name: found[name] for name in ("accuracy", "interval", "n", "nll", "ece")}
    return metrics, shown
