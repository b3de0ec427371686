"""The service put together."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from tenfold.serving import classify, inference, page, problems, read
from tenfold.serving.batching import Batcher
from tenfold.serving.direct import Direct
from tenfold.serving.documents import Documents
from tenfold.serving.gate import Gate
from tenfold.serving.head import Head
from tenfold.serving.model import open_classifier
from tenfold.serving.service import Service
from tenfold.serving.settings import Settings
from tenfold.serving.watch import Metrics, Watch
from tenfold.serving.work import prepare

if TYPE_CHECKING:
    from tenfold.serving.classifier import Classifier

DESCRIPTION = """\
Reads handwritten digits. Nothing that is sent is kept, and no log holds any of it. Errors are problem
documents (RFC 9457)."""


def create_app(
    settings: Settings | None = None,
    *,
    classifier: Classifier | None = None,
    documents: Documents | None = None,
) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    settings : Settings, optional
    classifier, documents : optional
        Instead of those that the settings ask for.

    Raises
    ------
    TenfoldError
        The model cannot be opened.
    """
    settings = settings or Settings()
    metrics = Metrics()
    classifier = classifier or open_classifier(settings.model)
    service = Service(
        settings,
        classifier,
        Batcher(
            classifier.predict,
            largest=settings.batch,
            waiting=settings.images,
            observe=metrics.batches.observe,
        ),
        documents
        or Documents(
            prepare,
            (settings.pixels, settings.pages, settings.body_bytes, settings.error_rate),
            processes=settings.readers,
            waiting=settings.documents,
            seconds=settings.document_seconds,
            memory=settings.document_bytes,
            observe=lambda outcome: metrics.documents.labels(outcome).inc(),
        ),
        metrics,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            await service.start()
            # What is loaded by now stays: looking through it again and again would keep requests waiting.
            gc.collect()
            gc.freeze()
            yield
        finally:
            gc.unfreeze()
            await service.close()

    app = FastAPI(
        title="Tenfold",
        version=version("tenfold"),
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app)
    app.include_router(classify.router)
    app.include_router(read.router)
    app.include_router(inference.router)
    app.include_router(page.counts)
    app.include_router(page.router)
    # The last is the outermost.
    app.add_middleware(Direct)
    app.add_middleware(Gate, settings=settings)
    app.add_middleware(Head)
    app.add_middleware(Watch, metrics=metrics)
    return app


def from_environment() -> FastAPI:
    """Return the application as the environment describes it: what each worker process calls."""
    return create_app(Settings.from_environment(os.environ))
