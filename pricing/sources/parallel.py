"""Calls side by side, in threads."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pricing.errors import SourceError
from pricing.sources.figures import Part

THREADS = 64
"""Calls at a time."""


class Job(msgspec.Struct, frozen=True):
    """One call: the items it reads of a part, and how."""

    part: Part[Any]
    regions: tuple[str, ...]
    items: tuple[str, ...]
    read: Callable[[], Any]


def in_parallel(jobs: list[Job]) -> Iterator[tuple[Job, Any]]:
    """Each job with its answer or its ``SourceError``, in the order in which they end.

    The threads are daemons: an interrupt ends the program at once, whatever they wait for. Any
    other error is raised here, and no further job is begun then.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Job, Any]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work() -> None:
        while (job := _next(waiting)) is not None:
            try:
                done.put((job, _read(job)))
            except BaseException as error:
                done.put((job, error))

    for _ in range(min(THREADS, len(jobs))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in jobs:
            job, answer = done.get()
            if isinstance(answer, BaseException) and not isinstance(answer, SourceError):
                raise answer
            yield job, answer
    finally:
        while _next(waiting) is not None:
            pass


def _next(waiting: "queue.SimpleQueue[Job]") -> Job | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _read(job: Job) -> Any:
    """Read once more what was cut off: botocore tries again for much, but not for that."""
    try:
        return job.read()
    except SourceError as error:
        if error.code != "malformed":
            raise
    return job.read()
