"""``tenfold serve``: the service and the page."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tenfold.cli.options import examples
from tenfold.cli.output import say
from tenfold.errors import ServingError, require

MEBIBYTE = 2**20


class LogLevel(StrEnum):
    """What is logged."""

    info = "info"
    warning = "warning"
    error = "error"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "serve",
        epilog=examples(
            "tenfold serve",
            "tenfold serve --model my-model --port 9000",
            "tenfold serve --host 0.0.0.0 --workers 2 --rate 20",
        ),
    )(serve)


def serve(
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; 0.0.0.0: all.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8000,
    workers: Annotated[
        int,
        typer.Option("--workers", min=1, metavar="N", help="Processes that answer; each loads the model."),
    ] = 1,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="What classifies: a model folder, a shipped model, or an ONNX file that Tenfold exported.",
        ),
    ] = None,
    results: Annotated[
        Path, typer.Option("--results", metavar="FOLDER", help="The reports that /studies shows.")
    ] = Path("results"),
    max_body: Annotated[
        float, typer.Option("--max-body", min=0.001, metavar="MB", help="The largest body, as it arrives.")
    ] = 20,
    max_arrival: Annotated[
        float, typer.Option("--max-arrival", min=0.01, metavar="S", help="How long a body may take.")
    ] = 30,
    max_pixels: Annotated[
        float,
        typer.Option("--max-pixels", min=0.001, metavar="MILLIONS", help="The largest picture or page."),
    ] = 50,
    max_pages: Annotated[
        int, typer.Option("--max-pages", min=1, metavar="N", help="Pages of a document.")
    ] = 20,
    max_seconds: Annotated[
        float,
        typer.Option("--max-seconds", min=0.01, metavar="S", help="How long reading a document may take."),
    ] = 20,
    max_memory: Annotated[
        float, typer.Option("--max-memory", min=1, metavar="MB", help="Memory that a document may take.")
    ] = 1024,
    max_documents: Annotated[
        int, typer.Option("--max-documents", min=1, metavar="N", help="Documents that may wait; then 503.")
    ] = 16,
    max_images: Annotated[
        int, typer.Option("--max-images", min=1, metavar="N", help="Pictures that may wait; then 503.")
    ] = 4096,
    readers: Annotated[
        int, typer.Option("--readers", min=1, metavar="N", help="Processes a worker that read documents.")
    ] = 1,
    batch: Annotated[
        int, typer.Option("--batch", min=1, metavar="N", help="Pictures classified at once; 1: one by one.")
    ] = 64,
    rate: Annotated[
        float, typer.Option("--rate", min=0, metavar="N", help="Requests a second of one client; 0: any.")
    ] = 0,
    error_rate: Annotated[
        float,
        typer.Option(
            "--error-rate",
            metavar="P",
            help="Of the lines that are accepted, the share that may be wrong, where a request does not say. "
            "Measured from 0.001 to 0.1; a rate beyond is taken for the nearer of these, but on forms.",
        ),
    ] = 0.01,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="info: a line of JSON for each request, on stderr.")
    ] = LogLevel.info,
) -> None:
    """Answer over HTTP, and show a page to draw on.

    /: the page. /docs: how to ask. /metrics: counts for Prometheus. On Ctrl-C or SIGTERM what was begun is
    finished.
    """
    uvicorn = require("uvicorn", extra="serve", purpose="The service")
    for module in ("fastapi", "prometheus_client", "python_multipart"):
        require(module, extra="serve", purpose="The service")
    from tenfold.serving.model import open_classifier
    from tenfold.serving.settings import Settings
    from tenfold.serving.watch import logging_settings

    settings = Settings(
        model=None if model is None else _resolved(model),
        results=str(results.resolve()) if results.is_dir() else None,
        body_bytes=int(max_body * MEBIBYTE),
        body_seconds=max_arrival,
        pixels=int(max_pixels * 1e6),
        pages=max_pages,
        document_seconds=max_seconds,
        document_bytes=int(max_memory * MEBIBYTE),
        readers=readers,
        documents=max_documents,
        images=max_images,
        batch=batch,
        rate=rate,
        error_rate=error_rate,
    )
    # Told here, where it is an error message, rather than in each worker.
    open_classifier(settings.model)
    _check_free(host, port)
    os.environ.update(settings.to_environment())
    with tempfile.TemporaryDirectory(prefix="tenfold-serve-") as folder:
        if workers > 1:
            # Several processes add up what they count in files there.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        say(f"Tenfold answers at http://{host}:{port} – Ctrl-C stops it.")
        # Once uvicorn has finished what was begun it sends itself the signal again: then this was no failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        uvicorn.run(
            "tenfold.serving.app:from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=logging_settings(log_level.value),
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(max_seconds) + 10,
        )


def _resolved(model: str) -> str:
    """Return the model's name in a form that holds wherever it is opened."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model


def _check_free(host: str, port: int) -> None:
    """Say so before anything is loaded where nobody can listen there."""
    import socket

    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise ServingError(
            f"Nothing can listen at {host}:{port}: {error.strerror or error}. "
            "Choose another --port or --host."
        ) from None
