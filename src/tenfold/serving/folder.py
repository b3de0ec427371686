"""The page as a folder that any web server shows, with a model of one's own: ``tenfold export --to web``."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.data.formats.files import atomic
from tenfold.errors import ExportError
from tenfold.export import Exported, export
from tenfold.serving.assets import assets, settings_module

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenfold.models.model import Model

MODULE = "model.mjs"


def export_page(
    model: Model,
    folder: str | Path | None = None,
    *,
    int8: bool = False,
    calibration: NDArray[np.uint8] | None = None,
) -> Exported:
    """Write the page to draw on, with `model` in it, as a folder of static files.

    Parameters
    ----------
    model : Model
        Of pictures of 28x28.
    folder : path, optional
        A new or empty folder, or one that holds such a page. By default the network's name and ``-web``.
    int8, calibration
        As `tenfold.export.export` takes them.

    Returns
    -------
    exported : Exported
        Its first path is the network, its size that of all files.

    Raises
    ------
    ExportError
        The model takes other pictures, or the folder holds something else or cannot be written.
    """
    if prod(model.architecture.input_shape) != 28 * 28:
        shape = " x ".join(map(str, model.architecture.input_shape))
        raise ExportError(f"The page takes pictures of 28x28; this model takes {shape}.")
    target = Path(folder or f"{model.architecture.name or 'network'}-web").expanduser()
    files = {**assets(), "settings.mjs": settings_module(None)}
    if target.exists() and (
        not target.is_dir() or {path.name for path in target.iterdir()} - {*files, MODULE}
    ):
        raise ExportError(f"{target} holds something else than such a page. Choose a new folder.")
    written = export(model, "js", target / MODULE, int8=int8, calibration=calibration)
    for name, content in files.items():
        try:
            with atomic(target / name) as file:
                file.write(content)
        except OSError as error:
            raise ExportError(f"{target / name} cannot be written: {error.strerror or error}.") from None
    size = written.size + sum(map(len, files.values()))
    paths = (*written.paths, *(target / name for name in sorted(files)))
    return Exported("js", int8, paths, size, written.table_bytes, written.memory_bytes, written.program)
