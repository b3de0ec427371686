"""What a service is started with: its model and its limits, as one value that can be handed to workers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from tenfold.errors import ServingError

VARIABLE = "TENFOLD_SERVE"
"""The environment variable that carries the settings to the worker processes."""


@dataclass(frozen=True)
class Settings:
    """A service's model and limits.

    Attributes
    ----------
    model : str or None
        What classifies: a model folder, the name of a shipped model, a run's id or an ONNX file of
        ``tenfold export``. None: the classifier that ships with the reader.
    results : str or None
        The folder of reports that ``/studies`` shows.
    body_bytes : int
        The largest body, counted as it arrives.
    body_seconds : float
        How long a body may take to arrive.
    pixels : int
        The largest picture, and the largest page of a PDF.
    pages : int
        The most pages of a document.
    document_seconds : float
        How long a document may take to be decoded and read.
    document_bytes : int
        The memory that decoding and reading a document may take beyond the reader's own.
    readers : int
        How many processes read documents.
    documents : int
        How many documents may wait for one of them.
    images : int
        How many pictures may wait to be classified.
    batch : int
        How many pictures are classified at once, at most. 1: one at a time.
    rate : float
        Requests a second that one client may make for long; twice as many in a burst. 0: any number.
    error_rate : float
        The part of the accepted lines that may be wrong, where a request does not say.
    """

    model: str | None = None
    results: str | None = None
    body_bytes: int = 20 * 2**20
    body_seconds: float = 30.0
    pixels: int = 50_000_000
    pages: int = 20
    document_seconds: float = 20.0
    document_bytes: int = 2**30
    readers: int = 1
    documents: int = 16
    images: int = 4096
    batch: int = 64
    rate: float = 0.0
    error_rate: float = 0.01

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise ServingError(f"{name} must be at least {least}. Got {value!r} instead.")
        if not 0 < self.error_rate < 1:
            raise ServingError(f"error_rate must lie between 0 and 1. Got {self.error_rate!r} instead.")

    def to_environment(self) -> dict[str, str]:
        """Return the environment variable that `from_environment` reads."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings that the environment carries; where it carries none, the defaults."""
        try:
            stated = json.loads(environment.get(VARIABLE, "{}"))
        except ValueError:
            raise ServingError(f"{VARIABLE} must hold JSON, as `tenfold serve` sets it.") from None
        unknown = set(stated) - {field.name for field in fields(cls)}
        if unknown:
            raise ServingError(f"{VARIABLE} holds unknown settings: {', '.join(sorted(unknown))}.")
        return cls(**stated)


_LEAST = {
    "body_bytes": 1,
    "body_seconds": 0.01,
    "pixels": 1,
    "pages": 1,
    "document_seconds": 0.01,
    "document_bytes": 2**20,
    "readers": 1,
    "documents": 1,
    "images": 1,
    "batch": 1,
    "rate": 0,
}
