"""Work that takes longer than a page: done in a thread, asked for by pages until it is done.

In memory alone. Whatever such work writes, it writes in one transaction: a server that is stopped or killed
meanwhile has done all of it or nothing.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grader.errors import GraderError

__all__ = ["Job", "Jobs", "Told"]

#: Told of how much of how much is done; raises where nobody waits for it any more.
Told = Callable[[int, int], None]

#: So many that are done are kept, for whoever loads a page again.
_KEPT = 50

_log = logging.getLogger("grader.web")


class _GivenUp(Exception):
    pass


@dataclass
class Job:
    """Work under way, or done.

    Attributes:
        id: In addresses; by chance, so that nobody guesses another's.
        kind: What it is, with which at most one of a person's is under way.
        about: What a page needs to show it again.
        error: What a use case refused; None where nothing was.
        result: What came of it.
    """

    id: str
    owner: str
    kind: str
    about: Any
    done: int = 0
    of: int = 0
    result: Any = None
    error: GraderError | None = None
    failed: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    def told(self, done: int, of: int) -> None:
        if self.given_up:
            raise _GivenUp
        self.done, self.of = done, of


class Jobs:
    """All of one course. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(
        self, owner: str, kind: str, about: Any, work: Callable[[Told], Any], *, wait_s: float = 0.0
    ) -> Job:
        """Begins work in a thread of its own.

        Args:
            owner: Whose; others do not find it.
            kind: What of this kind the same person had begun before is given up, unless it is over.
            about: What a page needs to show it again.
            work: Told how to say how far it is.
            wait_s: How long to wait for it here, since most of it takes no longer.
        """
        job = Job(secrets.token_urlsafe(12), owner, kind, about)
        with self._lock:
            for other in self._jobs.values():
                if (other.owner, other.kind) == (owner, kind):
                    other.given_up = True
            over = [id for id, other in self._jobs.items() if other.is_over]
            for id in over[: max(0, len(over) - _KEPT)]:
                del self._jobs[id]
            self._jobs[job.id] = job
        threading.Thread(target=_do, args=(job, work), name=f"job {kind}", daemon=True).start()
        if wait_s:
            job.ended.wait(wait_s)
        return job

    def find(self, id: str, owner: str) -> Job | None:
        """A job of this person's; None where there is none, or it is long over."""
        with self._lock:
            job = self._jobs.get(id)
        return job if job is not None and job.owner == owner else None


def _do(job: Job, work: Callable[[Told], Any]) -> None:
    began = time.monotonic()
    try:
        job.result = work(job.told)
    except _GivenUp:
        job.failed = True
    except GraderError as error:
        job.error = error
    except Exception as error:  # our own mistake: its words go to the log and to nobody's screen
        job.failed = True
        _log.error("%s failed after %.1f s", job.kind, time.monotonic() - began, exc_info=error)
    finally:
        job.ended.set()
