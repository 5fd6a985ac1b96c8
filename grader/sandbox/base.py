"""What every sandbox offers: a warm worker that turns jobs into evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from grader.evidence.codec import Bundle
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import Environment
from grader.sandbox.frames import FrameStream

__all__ = ["Box", "Job", "Progress", "Sandbox", "Worker", "image_of"]


@dataclass(frozen=True)
class Job:
    """One submission to run.

    Attributes:
        attempt: Its id; names nothing outside the sandbox.
        notebook: The submitted file's bytes.
        plan: What to do with it.
        files: Content of files beside the notebook, by path relative to its folder.
        ours: The service's own notebook and no submission: a box that ran nothing else may serve one.
        draws: How often functions are called with inputs drawn anew, to try a rubric; the further answers are
            recorded under names of `further_draw`.
    """

    attempt: str
    notebook: bytes
    plan: Plan
    files: tuple[tuple[str, bytes], ...] = ()
    ours: bool = False
    draws: int = 1


class Progress(Protocol):
    """Hears of each cell as it starts and ends, and of the end of the notebook."""

    def __call__(self, event: CellStarted | CellDone | Ran) -> None: ...


class Box(Protocol):
    """A started sandbox around one driver, ready for jobs: a container, or bubblewrap's."""

    name: str
    environment: Environment
    expires: float
    limits: Limits
    stream: FrameStream

    def memory_ran_out(self) -> bool:
        """Whether its memory limit ended it; asked when the stream has ended."""
        ...

    def fault(self) -> str:
        """What is wrong with it that is none of the submission's doing; empty where it runs as it should."""
        ...

    def kill(self) -> None:
        """Ends all that runs in it, from any thread: whoever waits for its frames sees the stream end."""
        ...

    def remove(self) -> None:
        """Ends it and all that runs in it; raises nothing."""
        ...


class Worker(Protocol):
    """Runs one job after another, never two at once. Not for use by several threads."""

    def run(self, job: Job, progress: Progress | None = None) -> Bundle:
        """Runs one submission; a time-out or a dead kernel is a bundle like any other.

        Returns:
            Evidence of this job, named by the digests of its notebook and plan.

        Raises:
            SandboxUnavailable: The service's own fault: engine gone, container killed from outside, sandbox
                closed before or while it ran.
        """
        ...

    def close(self) -> None:
        """Stops and removes whatever the worker holds. Safe to call twice."""
        ...


class Sandbox(Protocol):
    """A kind of sandbox, ready for use."""

    name: str

    @property
    def at_once(self) -> int | None:
        """How many submissions it can run at a time, as there are GPUs for; None sets no bound."""
        ...

    def open(self, plan: Plan) -> Worker:
        """Gives a warm worker with this plan's limits.

        Raises:
            SandboxUnavailable: It cannot be started, or the sandbox was closed.
        """
        ...

    def answers(self) -> bool:
        """Whether it could start something now; asked after it failed."""
        ...

    def memory_bytes(self, plan: Plan) -> int:
        """The most that one worker with this plan takes of the machine's memory."""
        ...

    def close(self) -> None:
        """Closes all workers for good, from any thread: what they run ends with an error.

        Safe to call twice.
        """
        ...


def image_of(sandbox: Sandbox) -> str:
    """What work in it is named by: an image's digest; a sandbox without images goes by its name."""
    return str(getattr(sandbox, "image", sandbox.name))
