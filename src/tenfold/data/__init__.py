"""Bring pictures in: data sets by name or path, formats, splits, augmentation, normalization."""

from tenfold.data.augment import Augmentation, Draw
from tenfold.data.catalog import CATALOG, Entry, fetch, load, load_dataset, load_images, state
from tenfold.data.dataset import Dataset, Digits
from tenfold.data.normalize import normalize
from tenfold.data.splits import folds, hold_out, imbalance

__all__ = [
    "CATALOG",
    "Augmentation",
    "Dataset",
    "Digits",
    "Draw",
    "Entry",
    "fetch",
    "folds",
    "hold_out",
    "imbalance",
    "load",
    "load_dataset",
    "load_images",
    "normalize",
    "state",
]
