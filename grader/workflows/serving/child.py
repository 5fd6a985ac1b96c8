"""The process in which a server's seats run notebooks; started by `supervisor`, and ended with it.

Its first line of input says whose queues it works at, since an address of a database may hold a password. The
end of its input asks it to stop, so that it never outlives the server for longer than what it runs takes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from grader.errors import GraderError
from grader.sandbox.select import choose_sandbox
from grader.store import open_store
from grader.workflows.regrading.reference import load_reference
from grader.workflows.running.events import Away, Back, Event, Finished, Notice, Retrying
from grader.workflows.running.stopping import STOPS, StopSignal
from grader.workflows.serving.orders import CourseFiles
from grader.workflows.serving.service import Service, work_at_queues
from grader.workflows.upkeep.settings import Settings

__all__ = ["Task", "main", "said", "stopped_by"]


@dataclass(frozen=True)
class Task:
    """What the process is to do, in words that travel as JSON.

    Attributes:
        databases: Of each course where it is.
        settings: The server's options, as JSON.
        places: Folders in which the first course's rubrics may lie.
        reference: Folder of its reference answers.
        actor: Who is written down.
        own: Of further courses, by name: folder of rubrics (empty for none), and of reference answers.
    """

    databases: tuple[str, ...]
    settings: str
    places: tuple[str, ...]
    reference: str
    actor: str
    seats: int
    own: dict[str, tuple[str, str]] = field(default_factory=dict)

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of(cls, line: str) -> Task:
        told = json.loads(line)
        return cls(**told | {name: tuple(told[name]) for name in ("databases", "places")})


def main() -> int:
    """Works until its input ends."""
    task = Task.of(sys.stdin.readline())
    options = Settings.model_validate_json(task.settings)
    stop = stopped_by(sys.stdin)
    try:
        with ExitStack() as held:
            stores = [
                held.enter_context(open_store(each, create=False, busy_timeout_s=options.busy_timeout_s))
                for each in task.databases
            ]
            service = Service(
                stores,
                load_reference(Path(task.reference)),
                [Path(each) for each in task.places],
                options.data,
                options.gpus != "none",
                task.actor,
                options.lease_s,
                {name: _files(*folders) for name, folders in task.own.items()},
            )
            work_at_queues(
                service,
                task.seats,
                open_sandbox=lambda: choose_sandbox(
                    options.sandbox,
                    isolation=options.isolation,
                    gpus=options.gpus,
                    runtime=options.runtime,
                    data_dir=options.data,
                    run_id=uuid.uuid4().hex,
                    notify=_say,
                ),
                notify=lambda event: _say(said(event)),
                stop=stop,
            )
    except GraderError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _files(rubrics: str, reference: str) -> CourseFiles:
    return CourseFiles((Path(rubrics),) if rubrics else (), load_reference(Path(reference)))


def stopped_by(source: IO[str], numbers: Sequence[signal.Signals] = STOPS) -> StopSignal:
    """Pressed by signals, and once by the end of the input."""
    stop = StopSignal()
    for number in numbers:
        signal.signal(number, lambda _number, _frame: stop.press())

    def watch() -> None:
        # Not through the buffer, whose lock would keep this process from ending by itself.
        while os.read(source.fileno(), 4096):
            pass
        if not stop.finishing:
            stop.press()

    threading.Thread(target=watch, name="input", daemon=True).start()
    return stop


def said(event: Event) -> str:
    """One line for whoever watches the server; empty for what happens all the time. No student is named."""
    if isinstance(event, Finished):
        return f"{event.assignment}: {event.outcome.value} in {event.wall_time_s:.1f} s"
    if isinstance(event, Retrying):
        return f"the sandbox failed, try {event.tries}: {event.error}"
    if isinstance(event, Away):
        return f"{event.why}; waited for, {event.at_most_s:.0f} s at most"
    if isinstance(event, Back):
        return f"{event.name} answers again"
    return event.text if isinstance(event, Notice) else ""


def _say(text: str) -> None:
    if text:
        print(f"worker: {text}", file=sys.stderr, flush=True)  # noqa: T201, the server's own log


if __name__ == "__main__":
    sys.exit(main())
