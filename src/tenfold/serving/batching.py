"""Micro-batching: pictures that arrive while others are being classified are classified together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tenfold.serving.problems import Problem

Images = NDArray[np.uint8]
Probabilities = NDArray[np.float32]


class _Job(NamedTuple):
    images: Images
    answer: asyncio.Future[Probabilities]


class Batcher:
    """Puts the pictures of concurrent requests together.

    Nothing waits for company: whatever has gathered while a batch was classified is the next batch. A lone
    picture is classified at once, and the busier the service, the larger the batches.

    Parameters
    ----------
    predict : function
        Of (n, 28, 28) uint8 pictures to (n, classes) float32 probabilities; called in one thread.
    largest : int
        The most pictures of a batch.
    waiting : int
        The most pictures that wait; more are refused.
    observe : function, optional
        Told the size of each batch.
    """

    def __init__(
        self,
        predict: Callable[[Images], Probabilities],
        *,
        largest: int = 64,
        waiting: int = 4096,
        observe: Callable[[int], object] | None = None,
    ) -> None:
        self._predict, self._largest, self._limit = predict, largest, waiting
        self._observe = observe or (lambda size: None)
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "classify")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many pictures wait."""
        return self._waiting

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Stop; what still waits is refused."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for job in self._jobs:
            if not job.answer.done():
                job.answer.set_exception(Problem("busy", "The service is stopping."))
        self._jobs.clear()
        self._thread.shutdown(wait=False)

    async def predict(self, images: Images) -> Probabilities:
        """Return the probabilities (n, classes) of (n, 28, 28) pictures.

        Raises
        ------
        Problem
            As many pictures wait already as may.
        """
        if self._waiting and self._waiting + len(images) > self._limit:
            detail = f"{self._waiting} pictures wait to be classified, the limit is {self._limit}. Try again."
            raise Problem("busy", detail, {"Retry-After": "1"})
        step, loop = self._largest, asyncio.get_running_loop()
        jobs = [_Job(images[at : at + step], loop.create_future()) for at in range(0, len(images), step)]
        self._jobs.extend(jobs)
        self._waiting += len(images)
        self._wake.set()
        if len(jobs) == 1:
            return await jobs[0].answer
        return np.concatenate(await asyncio.gather(*(job.answer for job in jobs)))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            batch = self._take()
            if not batch:
                continue
            self._observe(sum(len(job.images) for job in batch))
            images = batch[0].images if len(batch) == 1 else np.concatenate([job.images for job in batch])
            try:
                found = await loop.run_in_executor(self._thread, self._predict, images)
            except Exception as error:
                for job in batch:
                    if not job.answer.done():
                        job.answer.set_exception(error)
                continue
            except asyncio.CancelledError:
                self._jobs.extendleft(reversed(batch))
                raise
            at = 0
            for job in batch:
                end = at + len(job.images)
                if not job.answer.done():
                    job.answer.set_result(found[at:end])
                at = end

    def _take(self) -> list[_Job]:
        """Take as many jobs as fit into a batch, in the order they came; leave out whose client has gone."""
        batch: list[_Job] = []
        size = 0
        while self._jobs and (not batch or size + len(self._jobs[0].images) <= self._largest):
            job = self._jobs.popleft()
            self._waiting -= len(job.images)
            if not job.answer.cancelled():
                batch.append(job)
                size += len(job.images)
        if not self._jobs:
            self._wake.clear()
        return batch
