"""What a data set is: images, labels, and where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labeled images.

    Attributes
    ----------
    images : (n, height, width) or (n, height, width, channels) uint8, or (n, features)
        Pictures with ink 255 on paper 0; or features, uint8 where they are pixels in a row, else floats.
    labels : (n,) int64 in [0, len(classes))
    classes : tuple of str
        The name of each label.
    name : str
        What it is called in tables ("mnist/train").
    provenance : dict
        Where it comes from and what was done to it, as plain JSON values.
    groups : (n,) int64 or None
        The writer of each image, where known.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...] = tuple("0123456789")
    name: str = "data"
    provenance: dict[str, Any] = field(default_factory=dict)
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim < 2:
            raise DataError(
                f"{self.name}: expected images of shape (n, height, width) or (n, features), "
                f"got shape {self.images.shape}."
            )
        if self.labels.shape != (len(self.images),):
            raise DataError(
                f"{self.name}: {len(self.images)} images but labels of shape {self.labels.shape}; "
                "there must be one label for each image."
            )
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise DataError(f"{self.name}: labels must be integers, got {self.labels.dtype}.")
        if len(self.labels):
            bad = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.classes)))
            if len(bad):
                raise DataError(
                    f"{self.name}: label {self.labels[bad[0]]} of image {bad[0]} is outside "
                    f"0 to {len(self.classes) - 1} ({len(self.classes)} classes)."
                )
        if self.groups is not None and self.groups.shape != self.labels.shape:
            raise DataError(
                f"{self.name}: {len(self.images)} images but groups of shape {self.groups.shape}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        kind = f"{shape} {self.images.dtype}"
        return f"Dataset({self.name}: {len(self):,} images {kind}, {len(self.classes)} classes)"

    @cached_property
    def sha256(self) -> str:
        """The hash of images, labels and classes: what a run was trained on."""
        digest = hashlib.sha256(repr((self.images.shape, str(self.images.dtype), self.classes)).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels.astype(np.int64)).data)
        return digest.hexdigest()

    def take(
        self, index: NDArray[np.int64] | Sequence[int] | slice, name: str | None = None, **provenance: Any
    ) -> Dataset:
        """Return the images at `index` as a data set of their own, noting `provenance`."""
        if not isinstance(index, slice):
            index = np.asarray(index, dtype=np.int64)
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            groups=None if self.groups is None else self.groups[index],
            name=name or self.name,
            provenance=self.provenance | provenance,
        )


@dataclass(frozen=True)
class Digits:
    """A data set as published: its training part and its test part.

    Attributes
    ----------
    name : str
    train, test : Dataset
    """

    name: str
    train: Dataset
    test: Dataset
