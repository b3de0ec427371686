"""PyTorch on CPU or GPU.

The images lie on the device as they came, uint8, from the first epoch to the last. Some hundreds at a time
are gathered in the epoch's order, augmented and scaled; the steps are taken on slices of that, so that a step
of a small network costs little beside its arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tenfold import seeds
from tenfold.data.augment import Draw
from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingDiverged, TrainingError
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Dropout
from tenfold.training.engine import Arrays, EpochResult, Trainer, check_fit
from tenfold.training.initializers import Weights
from tenfold.training.recipe import Recipe
from tenfold.training.torch_arrays import FlatArrays
from tenfold.training.torch_augment import apply
from tenfold.training.torch_layers import Tensors, forward
from tenfold.training.torch_optimizers import rule
from tenfold.training.torch_random import dropout_mask

CHUNK = 1024
"""About how many images are prepared at once."""

EVALUATION_BATCH = {"cpu": 512, "cuda": 8192}


class TorchTrainer(Trainer):
    """One network being trained with torch. Parameters as in `Trainer` and `TorchEngine`."""

    def __init__(
        self,
        architecture: Architecture,
        recipe: Recipe,
        seed: int,
        count: int,
        device: torch.device,
        compile: bool = False,
    ) -> None:
        super().__init__(architecture, recipe, seed, count)
        self.device = device
        self.dtype = torch.float64 if recipe.precision == "float64" else torch.float32
        self._mixed = is_mixed(recipe, device)
        self._dropouts = [
            node for node in architecture.walk() if isinstance(node.layer, Dropout) and node.layer.rate > 0
        ]
        self._batch_loss = torch.compile(self._loss) if compile else self._loss
        self._data: tuple[Dataset, Tensor, Tensor, Tensor | None] | None = None
        self._scaled: tuple[Dataset, Tensor] | None = None
        self.arrays = FlatArrays(architecture, self.dtype, device)
        self.load_weights(self.first_weights())

    def load_weights(self, weights: Weights) -> None:
        self.arrays.load(self.arrays.values, weights)
        self.rule = rule(self.recipe.optimizer, self.arrays.parameters, self.arrays.decayed)
        self.means = torch.zeros_like(self.arrays.values) if self.recipe.ema else None
        self.done = 0

    def step(self, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
        check_fit(self.architecture, images)
        x = as_input(self.architecture, torch.tensor(images, device=self.device), self.dtype)
        truth = torch.tensor(labels, dtype=torch.int64, device=self.device)
        with deterministic(self.device):
            loss, _ = self._step(x, truth, self._tensor(self.told(images)))
        return loss.item()

    def run_epoch(self, data: Dataset, epoch: int) -> EpochResult:
        images, labels, told = self._on_device(data)
        draw = self._draw(data, epoch)
        whole = self.whole and draw is None
        order = np.arange(len(data)) if whole else seeds.epoch_order(self.seed, epoch, len(data))
        batch = self.recipe.batch(self.count)
        chunk = max(CHUNK // batch, 1) * batch
        total, correct, seen = 0.0, 0, 0
        with deterministic(self.device):
            for start in range(0, len(order), chunk):
                chosen = order[start : start + chunk]
                index = torch.tensor(chosen, device=self.device)
                truth = labels[index]
                if whole:
                    x = self._all_scaled(data, images)
                else:
                    pixels = images[index]
                    if draw is not None:
                        pixels = apply(pixels, draw.take(chosen))
                    x = as_input(self.architecture, pixels, self.dtype, scale=images.dtype == torch.uint8)
                losses, logits = [], []
                for at in range(0, len(x), batch):
                    here = slice(at, at + batch)
                    part = x[here]
                    loss, guess = self._step(part, truth[here], None if told is None else told[index[here]])
                    losses.append(loss * len(part))
                    logits.append(guess)
                    seen += len(part)
                    self.report(seen / len(data))
                # The device is asked for numbers once a chunk: each question makes it wait.
                total += torch.stack(losses).sum().item()
                if not np.isfinite(total):
                    raise TrainingDiverged(
                        f"The loss is not finite in epoch {epoch + 1} (step {self.done}). Try a smaller "
                        f"optimizer.lr than {self.recipe.optimizer.lr:g}, or another initializer."
                    )
                correct += int((torch.cat(logits).argmax(1) == truth).sum().item())
        return EpochResult(total / len(data), correct / len(data), self.rate(self.done - 1))

    def _all_scaled(self, data: Dataset, images: Tensor) -> Tensor:
        if self._scaled is None or self._scaled[0] is not data:
            self._scaled = data, as_input(self.architecture, images, self.dtype)
        return self._scaled[1]

    def last_batch(self) -> tuple[float, float]:
        loss, logits, labels = self._last_batch
        return loss.item(), (logits.argmax(1) == labels).double().mean().item()

    def weights(self) -> Weights:
        return {
            key: array.astype(np.float32) for key, array in self.arrays.to_numpy(self._evaluated()).items()
        }

    def state(self) -> Arrays:
        arrays: Arrays = {
            f"{name}/{key}": array
            for name, flat in self._flat().items()
            for key, array in self.arrays.to_numpy(flat).items()
        }
        return arrays | {"done": np.array(self.done)}

    def load_state(self, state: Arrays) -> None:
        self.check_state(state)
        for name, flat in self._flat().items():
            self.arrays.load(flat, {key: state[f"{name}/{key}"] for key in self.arrays.split(flat)})
        self.done = int(state["done"])

    def logits(self, images: NDArray[Any]) -> NDArray[np.float32]:
        return evaluate(
            self.architecture, self.arrays.split(self._evaluated()), images, self.dtype, self.device
        )

    def _flat(self) -> dict[str, Tensor]:
        """Return the flat tensors that the state consists of, by name."""
        return (
            {"weights": self.arrays.values}
            | ({} if self.means is None else {"means": self.means})
            | self.rule.slots
        )

    def _evaluated(self) -> Tensor:
        if self.means is None or self.done == 0:
            return self.arrays.values
        return self.means / (1 - self.recipe.ema**self.done)

    def logits_of(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        arrays = FlatArrays(architecture, self.dtype, self.device)
        arrays.load(arrays.values, weights)
        return evaluate(architecture, arrays.views, images, self.dtype, self.device)

    def _step(self, x: Tensor, labels: Tensor, told: Tensor | None) -> tuple[Tensor, Tensor]:
        """Do one step; return the batch's mean loss, and its logits."""
        masks = {
            node.name: dropout_mask(
                seeds.key(self.seed, "dropout", self.done, node.name),
                (len(x), *node.input_shape),
                node.layer.rate,
                self.dtype,
                self.device,
            )
            for node in self._dropouts
            if isinstance(node.layer, Dropout)
        }
        loss, logits = self._batch_loss(self.arrays.views, x, labels, masks, told)
        gradient = self.arrays.gather(torch.autograd.grad(loss, self.arrays.trained))
        self.rule.step(gradient, self.rate(self.done), self.done + 1)
        self.done += 1
        if self.means is not None:
            self.means.lerp_(self.arrays.values, 1 - self.recipe.ema)
        self._last_batch = (loss.detach(), logits.detach(), labels)
        return self._last_batch[:2]

    def _loss(
        self, tensors: Tensors, x: Tensor, labels: Tensor, masks: Tensors, told: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        with products(self._mixed, self.device):
            logits = forward(self.architecture, tensors, x, masks)
        logits = logits.to(self.dtype)
        loss = self._loss_by_labels(logits, labels)
        if told is not None:
            how = self.recipe.distillation
            apart = F.cross_entropy(logits / how.temperature, told) * how.temperature**2
            loss = (1 - how.weight) * loss + how.weight * apart
        return loss, logits

    def _loss_by_labels(self, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if self.recipe.loss == "cross-entropy":
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        classes = self.architecture.classes
        target = F.one_hot(labels, classes).to(self.dtype) * (1 - smoothing) + smoothing / classes
        return (torch.softmax(logits, 1) - target).square().sum(1).mean()

    def _on_device(self, data: Dataset) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the images, their labels, and what the teacher, if there is one, says of them."""
        if self._data is None or self._data[0] is not data:
            check_fit(self.architecture, data.images, len(data.classes))
            images = torch.tensor(data.images, device=self.device)
            labels = torch.tensor(data.labels, dtype=torch.int64, device=self.device)
            self._data = data, images, labels, self._tensor(self.told(data.images))
        return self._data[1:]

    def _tensor(self, told: NDArray[np.float32] | None) -> Tensor | None:
        return None if told is None else torch.tensor(told, dtype=self.dtype, device=self.device)

    def _draw(self, data: Dataset, epoch: int) -> Draw | None:
        if not self.recipe.augments(epoch):
            return None
        rng = seeds.generator(self.seed, "augment", epoch)
        return self.recipe.augmentation.draw(len(data), data.images.shape[1:3], rng)


class TorchEngine:
    """Trains and runs networks with PyTorch.

    Parameters
    ----------
    device : str
        "cpu", "cuda" (or "cuda:1", ...), or "auto": a GPU if there is one.
    compile : bool
        Whether the forward and backward pass go through `torch.compile`. The first step then takes long;
        later ones may be faster.

    Raises
    ------
    TrainingError
        There is no such device.
    """

    name = "torch"

    def __init__(self, device: str = "auto", compile: bool = False) -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise TrainingError(
                f"device must be one that is there: 'auto', 'cpu' or 'cuda'. Got {device!r} instead "
                f"({str(error).splitlines()[0]})."
            ) from None
        self.compile = compile
        if self.device.type == "cuda":
            # Without it products on a GPU may differ from run to run. Read when the first one is made.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

    def settings(self, recipe: Recipe | None = None) -> dict[str, Any]:
        """Return the engine's name, its kind of device, whether it compiles, and what "mixed" means here."""
        settings = {"name": self.name, "device": self.device.type, "compile": self.compile}
        if recipe is not None and recipe.precision == "mixed":
            settings["products"] = "bfloat16" if multiplies_bfloat16(self.device) else "float32"
        return settings

    def trainer(self, architecture: Architecture, recipe: Recipe, seed: int, count: int) -> TorchTrainer:
        """Return a trainer with first weights drawn."""
        return TorchTrainer(architecture, recipe, seed, count, self.device, self.compile)

    def logits(
        self, architecture: Architecture, weights: Weights, images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the logits (n, classes) float32 of `images` (n, ...); float64 ones in float64 arithmetic."""
        dtype = torch.float64 if images.dtype == np.float64 else torch.float32
        arrays = FlatArrays(architecture, dtype, self.device)
        arrays.load(arrays.values, weights)
        return evaluate(architecture, arrays.views, images, dtype, self.device)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether `device` has instructions for products of bfloat16; emulated they would be slow."""
    # oneDNN's own question (torch.ops.mkldnn._is_mkldnn_bf16_supported) is answered yes by any AVX512.
    here = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type == "cuda" or here


def is_mixed(recipe: Recipe, device: torch.device) -> bool:
    """Return whether `device` takes products of bfloat16 for `recipe`."""
    return recipe.precision == "mixed" and multiplies_bfloat16(device)


def products(mixed: bool, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which products are of bfloat16 where `mixed`, else what they are anyway."""
    return torch.autocast(device.type, torch.bfloat16) if mixed else nullcontext()


def as_input(
    architecture: Architecture, images: Tensor, dtype: torch.dtype, scale: bool | None = None
) -> Tensor:
    """Return `images` as the network's input, as `engine.as_input` does, laid out channels-last.

    Parameters
    ----------
    architecture : Architecture
    images : (n, ...) Tensor
    dtype : torch.dtype
    scale : bool or None
        Whether the values are in [0, 255]. None: where they are uint8.
    """
    x = images.to(dtype)
    if scale or (scale is None and images.dtype == torch.uint8):
        x = x * (1 / 255)
    if architecture.mean != 0.0 or architecture.std != 1.0:
        x = (x - architecture.mean) / architecture.std
    if len(architecture.input_shape) == 1:
        return x.reshape(len(x), -1)
    channels, height, width = architecture.input_shape
    if x.ndim == 2 and channels > 1:
        return x.reshape(-1, channels, height, width).contiguous(memory_format=torch.channels_last)
    return x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


def evaluate(
    architecture: Architecture,
    tensors: Mapping[str, Tensor],
    images: NDArray[Any],
    dtype: torch.dtype,
    device: torch.device,
) -> NDArray[np.float32]:
    """Return the logits (n, classes) float32 of `images` (n, ...) under the arrays `tensors`."""
    check_fit(architecture, images)
    size = EVALUATION_BATCH.get(device.type, 512)
    logits = np.empty((len(images), architecture.classes), dtype=np.float32)
    with torch.inference_mode(), deterministic(device):
        for start in range(0, len(images), size):
            batch = torch.tensor(images[start : start + size], device=device)
            x = as_input(architecture, batch, dtype)
            logits[start : start + size] = forward(architecture, tensors, x).float().cpu().numpy()
    return logits


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """On a GPU, let cuDNN take only algorithms that give the same bits each time, in full precision."""
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
