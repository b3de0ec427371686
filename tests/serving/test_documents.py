import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from tenfold.errors import ServingError
from tenfold.serving.documents import Documents
from tenfold.serving.problems import Problem

READ = {"task": "read", "name": "a.png"}


def run(documents, *contents, **options):
    """Return what became of each content, in turn, and what was observed."""
    observed = []

    async def main():
        pool = documents(observe=observed.append, **options)
        await pool.start()
        answers = []
        for content in contents:
            try:
                answers.append(await pool.ask(content, READ))
            except Problem as problem:
                answers.append(problem)
        await pool.close()
        return answers

    return asyncio.run(main()), observed


def test_a_file_is_read_in_another_process(documents):
    (answer,), observed = run(documents, b"fine")

    assert answer["options"] == READ
    assert answer["pid"] != os.getpid()
    assert observed == ["read"]


@pytest.mark.parametrize(
    ("content", "outcome", "says"),
    [
        (b"bad", "unreadable", "Send a PNG"),
        (b"odd", "unreadable", r"cannot be read \(RuntimeError\)"),
        (b"hoard", "unreadable", "too much memory"),
        (b"crash", "died", "another format"),
        (b"sleep", "late", "longer than 0.5 s"),
    ],
)
def test_a_file_that_does_harm_costs_one_answer_and_not_the_service(documents, content, outcome, says):
    (before, harmed, after), observed = run(documents, b"fine", content, b"fine", seconds=0.5)

    assert harmed.status_code == 422
    assert "secret" not in str(harmed.detail)
    assert observed == ["read", outcome, "read"]
    assert re.search(says, str(harmed.detail))
    # A process that may be broken is replaced; one that only said no goes on.
    assert (before["pid"] == after["pid"]) == (content == b"bad")


def test_memory_that_a_file_took_is_given_back(documents):
    """The C library would keep it all, for fear of the little that is still needed at its end."""

    async def main():
        pool = documents()
        await pool.start()
        taken = []
        for content in (b"fine", b"litter", b"fine"):
            process = (await pool.ask(content, READ))["pid"]
            await asyncio.sleep(0.2)
            taken.append(resident(process))
        await pool.close()
        return taken

    before, after, later = asyncio.run(main())

    assert max(after, later) < before + 20


def resident(process):
    """Return the memory of a process in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_no_file_is_written(documents, tmp_path):
    target = tmp_path / "written"

    async def main():
        pool = documents()
        await pool.start()
        try:
            with pytest.raises(Problem, match="OSError"):
                await pool.ask(b"write", {"task": "read", "name": str(target)})
        finally:
            await pool.close()

    asyncio.run(main())
    assert not target.exists() or target.read_bytes() == b""


def test_too_many_at_once_are_refused(documents):
    async def main():
        pool = documents(waiting=2, seconds=1.0)
        await pool.start()
        tasks = [asyncio.ensure_future(pool.ask(word, READ)) for word in (b"sleep", b"fine", b"fine")]
        await asyncio.sleep(0.1)
        with pytest.raises(Problem, match="2 documents wait") as refused:
            await pool.ask(b"fine", READ)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        await pool.close()
        return refused.value, answers

    refused, answers = asyncio.run(main())
    assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
    assert [isinstance(answer, dict) for answer in answers] == [False, True, True]


def test_a_client_that_goes_does_not_mix_up_answers(documents):
    async def main():
        pool = documents()
        await pool.start()
        gone = asyncio.ensure_future(pool.ask(b"fine one", READ))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        answer = await pool.ask(b"fine and longer", READ)
        await pool.close()
        return answer

    assert asyncio.run(main())["size"] == len(b"fine and longer")


def test_what_cannot_start_says_why(work):
    import importlib

    broken = importlib.import_module(work).broken

    async def main():
        pool = Documents(broken)
        try:
            await pool.start()
        finally:
            await pool.close()

    with pytest.raises(ServingError, match="weights are missing"):
        asyncio.run(main())


def test_no_process_is_left(documents):
    (answer,), _ = run(documents, b"fine")

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(answer["pid"], 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the process still runs")
