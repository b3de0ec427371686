import asyncio
import threading

import numpy as np
import pytest

from tenfold.serving.batching import Batcher
from tenfold.serving.problems import Problem


def image(value):
    return np.full((1, 28, 28), value, np.uint8)


class Slow:
    """A network that tells each picture's first pixel, and waits to be let go before it does."""

    def __init__(self):
        self.sizes, self.open = [], threading.Event()

    def __call__(self, images):
        self.sizes.append(len(images))
        assert self.open.wait(10)
        return images[:, 0, :2].astype(np.float32)


async def gathered(batcher, jobs):
    """Return the answers to jobs of which the first is being computed when the others come."""
    first = asyncio.ensure_future(batcher.predict(jobs[0]))
    await asyncio.sleep(0)
    while batcher.waiting:
        await asyncio.sleep(0.001)
    rest = [asyncio.ensure_future(batcher.predict(job)) for job in jobs[1:]]
    await asyncio.sleep(0.01)
    return [first, *rest]


def test_what_comes_meanwhile_is_computed_together_and_each_gets_its_own():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, largest=64)
        batcher.start()
        tasks = await gathered(batcher, [image(value) for value in range(30)])
        slow.open.set()
        answers = await asyncio.gather(*tasks)
        await batcher.close()
        return slow.sizes, [int(answer[0, 0]) for answer in answers]

    sizes, answers = asyncio.run(main())
    assert sizes == [1, 29]
    assert answers == list(range(30))


def test_no_batch_is_larger_than_it_may_be():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, largest=8)
        batcher.start()
        jobs = [image(1), np.repeat(image(2), 5, 0), np.repeat(image(3), 5, 0), np.repeat(image(4), 20, 0)]
        tasks = await gathered(batcher, jobs)
        slow.open.set()
        answers = await asyncio.gather(*tasks)
        await batcher.close()
        return slow.sizes, answers

    sizes, answers = asyncio.run(main())
    assert max(sizes) <= 8
    assert sum(sizes) == 31
    assert [(len(answer), *np.unique(answer)) for answer in answers] == [(1, 1), (5, 2), (5, 3), (20, 4)]


def test_a_full_queue_refuses_and_says_when_to_come_again():
    async def main():
        slow = Slow()
        batcher = Batcher(slow, largest=1, waiting=3)
        batcher.start()
        tasks = await gathered(batcher, [image(value) for value in range(4)])
        with pytest.raises(Problem, match="3 pictures wait") as refused:
            await batcher.predict(image(9))
        slow.open.set()
        await asyncio.gather(*tasks)
        again = await batcher.predict(image(7))
        await batcher.close()
        return refused.value, again

    refused, again = asyncio.run(main())
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert again[0, 0] == 7


def test_clients_that_have_gone_cost_nothing():
    async def main():
        slow = Slow()
        batcher = Batcher(slow)
        batcher.start()
        tasks = await gathered(batcher, [image(value) for value in range(10)])
        for task in tasks[1:9]:
            task.cancel()
        await asyncio.sleep(0)
        slow.open.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.close()
        return slow.sizes, answers

    sizes, answers = asyncio.run(main())
    assert sizes == [1, 1]
    assert answers[9][0, 0] == 9


def test_an_error_reaches_those_whom_it_concerns_and_the_next_are_served():
    def odd(images):
        if images[0, 0, 0] == 13:
            raise RuntimeError("thirteen")
        return images[:, 0, :1].astype(np.float32)

    async def main():
        batcher = Batcher(odd)
        batcher.start()
        with pytest.raises(RuntimeError, match="thirteen"):
            await batcher.predict(image(13))
        found = await batcher.predict(image(12))
        await batcher.close()
        return found

    assert asyncio.run(main())[0, 0] == 12


def test_what_still_waits_at_the_end_is_told():
    async def main():
        slow = Slow()
        batcher = Batcher(slow)
        batcher.start()
        tasks = await gathered(batcher, [image(value) for value in range(3)])
        asyncio.get_running_loop().call_later(0.05, slow.open.set)
        await batcher.close()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)

    answers = asyncio.run(main())
    assert all(isinstance(answer, Problem) and answer.status_code == 503 for answer in answers)
