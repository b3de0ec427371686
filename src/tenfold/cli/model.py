"""What a MODEL on the command line means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.errors import ModelError, StoreError

if TYPE_CHECKING:
    from tenfold.models.model import Model


def open_named(name: str) -> Model:
    """Return the model in a folder, a shipped one by its name, or that of a run by the start of its id.

    Raises
    ------
    ModelError
        There is none of them, or the folder is damaged.
    StoreError
        Several runs have such an id, or the run's model was deleted.
    """
    from tenfold.models.fit import model_folder
    from tenfold.models.model import Model, open_model, pretrained_names
    from tenfold.runs.store import Store

    path = Path(name).expanduser()
    if path.exists() or name in pretrained_names() or not re.fullmatch("[0-9a-fA-F]{4,64}", name):
        return open_model(path if path.exists() else name)
    try:
        run = Store().get(name)
    except StoreError as error:
        if "Several" in str(error):
            raise
        raise ModelError(f"There is no model folder {name!r}, and no such run. {error}") from None
    return Model.load(model_folder(run))
