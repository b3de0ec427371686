"""The files of the page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""What is shown, and as what."""


def web_folder() -> Path:
    """Return the folder of the page's files."""
    return Path(__file__).parent / "web"


@cache
def assets() -> dict[str, bytes]:
    """Return the files of the page by name."""
    return {path.name: path.read_bytes() for path in web_folder().iterdir() if path.suffix in TYPES}


def settings_module(service: str | None) -> bytes:
    """Return the module that tells the page where its service is; None: there is none."""
    return f"export const service = {'null' if service is None else repr(service)};\n".encode()
