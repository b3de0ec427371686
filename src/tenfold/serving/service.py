"""What the routes share: the classifier and its batches, the processes that open files, and the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenfold.serving.batching import Batcher
from tenfold.serving.classifier import Classifier
from tenfold.serving.documents import Documents
from tenfold.serving.problems import KINDS, MEDIA_TYPE
from tenfold.serving.settings import Settings
from tenfold.serving.watch import Metrics


@dataclass(frozen=True)
class Service:
    """The parts of a running service."""

    settings: Settings
    classifier: Classifier
    batcher: Batcher
    documents: Documents
    metrics: Metrics

    @property
    def ready(self) -> bool:
        """Whether it can answer."""
        return self.documents.ready

    async def start(self) -> None:
        """Start what works in the background."""
        self.metrics.waiting.labels("pictures").set_function(lambda: self.batcher.waiting)
        self.metrics.waiting.labels("documents").set_function(lambda: self.documents.waiting)
        self.batcher.start()
        await self.documents.start()

    async def close(self) -> None:
        """Stop it again."""
        await self.batcher.close()
        await self.documents.close()


def answer_example(example: Any, kind: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """Return an example of an answer as OpenAPI describes answers."""
    return {200: {"content": {kind: {"example": example}}}}


def problem_answers(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return problems as OpenAPI describes answers."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = KINDS[kind]
        example = {"type": f"/docs#problem-{kind}", "title": title, "status": status, "detail": "…"}
        described[status] = {"description": title, "content": {MEDIA_TYPE: {"example": example}}}
    return described
