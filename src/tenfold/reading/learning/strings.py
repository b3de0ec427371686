"""The whole recipe of the string network: train, calibrate, measure, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tenfold.data.composites.patches import Patch
from tenfold.errors import TrainingStopped
from tenfold.reading.learning.batches import by_width, collate
from tenfold.reading.learning.network import BLANK, parameter_count, scores
from tenfold.reading.learning.recipe import ReaderRecipe
from tenfold.reading.learning.strips import Sample, make_chunk, make_patches
from tenfold.reading.learning.train import Progress, train
from tenfold.reading.learning.weights import save
from tenfold.reading.recognizer import Calibration, Recognizer
from tenfold.training.checkpoint import remove_checkpoint

TEMPERATURES = tuple(float(t) for t in np.exp(np.linspace(np.log(0.5), np.log(3.0), 37)))


@dataclass(frozen=True)
class Made:
    """A string network that was trained, and how well it reads made patches that it did not learn from.

    Attributes
    ----------
    path : Path
        The weights file.
    parameters : int
    exact : float
        Share of patches whose whole text is right.
    ece : float
        Expected calibration error of the confidence, in ten bins of equal count.
    patches : int
        How many.
    seconds : float
        Of training.
    calibration : Calibration
    """

    path: Path
    parameters: int
    exact: float
    ece: float
    patches: int
    seconds: float
    calibration: Calibration


def learn(
    recipe: ReaderRecipe,
    path: Path,
    seed: int = 0,
    *,
    start: Path | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
) -> Made:
    """Train the string network and write its weights.

    Parameters
    ----------
    recipe : ReaderRecipe
    path : Path
        The file to write. Beside it lies a checkpoint until the training is done; one that a stopped training
        left there is gone on from.
    seed : int
    start : Path or None
        Weights to go on from (``strings.onnx``); None: none, the network is drawn by the seed.
    workers : int
        Processes that make strips beside the one that trains.
    on_progress : callable or None
        Called after every chunk.

    Raises
    ------
    TrainingStopped
        Ctrl-C came after the first checkpoint.
    TrainingError
        As `train`.
    """
    folder = path.with_name(f"{path.stem}-checkpoint")
    seconds = 0.0

    def tell(progress: Progress) -> None:
        nonlocal seconds
        seconds = progress.seconds
        if on_progress is not None:
            on_progress(progress)

    try:
        network = train(recipe, seed, start=start, folder=folder, workers=workers, on_chunk=tell)
    except KeyboardInterrupt:
        if not folder.is_dir():
            raise
        raise TrainingStopped(
            f"Stopped. What was trained until the last checkpoint is in {folder}."
        ) from None
    made = finish(network, recipe, path, _origin(recipe, seed, start, seconds))
    remove_checkpoint(folder)
    folder.rmdir()
    return made


def _origin(recipe: ReaderRecipe, seed: int, start: Path | None, seconds: float) -> dict[str, Any]:
    """Return how a network was made; of one that goes on from another, how that one was, too."""
    made = {"recipe": asdict(recipe), "seed": seed, "seconds": round(seconds)}
    return made if start is None else made | {"start": Recognizer(start).made}


def finish(network: nn.Sequential, recipe: ReaderRecipe, path: Path, origin: dict[str, Any]) -> Made:
    """Calibrate and measure a trained network on patches of held-out digits, and write it."""
    network.eval()
    seed = origin["seed"]
    count = recipe.validation
    calibration = Calibration(fit_temperature(network, make_chunk(seed, "validation", 1, count)))
    save(network, path, calibration, origin)
    raw, right = judge(Recognizer(path), make_patches(seed, "validation", 2, count))
    slope, shift = fit_logistic(np.log(raw / (1 - raw)), right)
    calibration = replace(calibration, slope=slope, shift=shift)
    save(network, path, calibration, origin)
    confidence, right = judge(Recognizer(path), make_patches(seed, "validation", 3, count))
    return Made(
        path,
        parameter_count(network),
        float(right.mean()),
        calibration_error(confidence, right),
        count,
        origin["seconds"],
        calibration,
    )


def fit_temperature(network: nn.Sequential, samples: list[Sample]) -> float:
    """Return which of `TEMPERATURES` makes the texts of samples likeliest."""
    losses = np.zeros(len(TEMPERATURES))
    with torch.inference_mode():
        for part in by_width(samples):
            batch = collate(part)
            answer = scores(network, batch.ink)
            for place, temperature in enumerate(TEMPERATURES):
                cooled = (answer / temperature).log_softmax(2)
                each = functional.ctc_loss(
                    cooled, batch.texts, batch.columns, batch.lengths, BLANK, reduction="none"
                )
                losses[place] += float(each.clamp(max=30).sum())
    return TEMPERATURES[int(losses.argmin())]


def judge(recognizer: Recognizer, patches: list[Patch]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the confidence of each transcript, and whether its text is right."""
    read = recognizer.transcribe([patch.gray for patch in patches])
    confidence = np.array([transcript.confidence for transcript in read])
    right = np.array([a.text == b.text for a, b in zip(read, patches, strict=True)])
    return np.clip(confidence, 1e-6, 1 - 1e-6), right


def fit_logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and shift of the logistic regression of y on x, held a little to 1 and 0."""
    terms = np.stack([x, np.ones_like(x)], axis=1)
    start = np.array([1.0, 0.0])
    found = start.copy()
    hold = 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(terms @ found, -30, 30)))
        gradient = terms.T @ (p - y) + hold * (found - start)
        curvature = (terms * (p * (1 - p))[:, None]).T @ terms + hold * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    return float(found[0]), float(found[1])


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the mean distance between confidence and accuracy over bins of equal count."""
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(order))
