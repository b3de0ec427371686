"""Readers and writers of idx, CSV, npz and image folders.

Every reader raises `FormatError` naming the file and the place where it is not what it should be; every
writer writes a temporary file beside the target and moves it there when it is whole.
"""

from tenfold.data.formats.detect import is_unlabeled, read_images, read_parts
from tenfold.data.formats.folder import read_folder, read_pictures, write_folder
from tenfold.data.formats.idx import read_idx, read_idx_folder, write_idx
from tenfold.data.formats.npz import read_npz, write_npz
from tenfold.data.formats.table import read_csv, write_csv

__all__ = [
    "is_unlabeled",
    "read_csv",
    "read_folder",
    "read_idx",
    "read_idx_folder",
    "read_images",
    "read_npz",
    "read_parts",
    "read_pictures",
    "write_csv",
    "write_folder",
    "write_idx",
    "write_npz",
]
