"""`grader audit --repair`: damaged evidence, had again where it still is; of the rest, how it can be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.errors import GraderError
from grader.evidence.plan import Training
from grader.intake import Submission, find_submissions
from grader.intake.folder import read_file as read_bytes
from grader.rubric.plan import plan_for
from grader.store import Store
from grader.store.audit import damaged_blobs
from grader.store.kept import Named
from grader.workflows.running.planning import read_file

__all__ = ["Repair", "repair"]


@dataclass(frozen=True)
class Repair:
    """What became of damaged evidence.

    Attributes:
        done: What is whole again, a line each.
        left: What is not, and how it can be had, a line each.
    """

    done: tuple[str, ...]
    left: tuple[str, ...]


def repair(store: Store, submissions: Path | None = None) -> Repair:
    """Brings back what can be had without running anything. Nothing of the history is touched.

    A file is taken only where it is, byte for byte, what the history says was handed in.

    Args:
        store: Whose evidence.
        submissions: Folder or archive in which files lie that were handed in; where each of them came from is
            looked at in any case.

    Raises:
        IntakeError: There are no submissions in that folder.
        StoreError: The evidence cannot be written.
    """
    damaged = damaged_blobs(store)
    wanted = {digest for digest, _ in damaged}
    if wanted:
        _bring_back(store, wanted, _plans(store))
        _bring_back(store, wanted, _where_they_came_from([named for _, named in damaged]))
    if wanted and submissions is not None:
        _bring_back(store, wanted, _handed_in(submissions))
    done = tuple(f"whole again: {named.whose}" for digest, named in damaged if digest not in wanted)
    return Repair(done, tuple(_how(named) for digest, named in damaged if digest in wanted))


def _bring_back(store: Store, wanted: set[str], found: Iterator[tuple[str, bytes]]) -> None:
    for digest, raw in found:
        if digest in wanted:
            store.blobs.put(raw)
            wanted.discard(digest)


def _plans(store: Store) -> Iterator[tuple[str, bytes]]:
    """Plans follow from the rubrics of the history, by each way in which a run may be asked for."""
    with store.reading() as history:
        records = [record for seq in history.rubric_numbers() if (record := history.rubric(seq))]
    for record in records:
        try:
            rubric = store.rubric(record).rubric
        except GraderError:
            continue  # Of a check that this version does not know any more.
        given = rubric.training.model_dump()
        for training in (rubric.training, *(_by(given, mode) for mode in ("budget", "full"))):
            for cuda in (False, True):
                plan = plan_for(rubric, training=training, cuda=cuda)
                yield plan.digest, plan.model_dump_json().encode()


def _by(given: dict[str, object], mode: str) -> Training:
    return Training.model_validate({**given, "mode": mode})


def _where_they_came_from(damaged: Sequence[Named]) -> Iterator[tuple[str, bytes]]:
    for named in damaged:
        path = Path(named.path)
        if named.path and path.is_file():
            file = read_file(Submission(named.student, path, partial(read_bytes, path)))
            yield file.notebook, file.raw


def _handed_in(submissions: Path) -> Iterator[tuple[str, bytes]]:
    for submission in find_submissions(submissions).submissions:
        file = read_file(submission)
        yield file.notebook, file.raw


def _how(named: Named) -> str:
    if named.what == "notebook":
        todo = "`grader audit --repair --from SUBMISSIONS` takes it from the folder that it was handed in in"
    elif named.what == "plan":
        todo = "`grader regrade --rerun` makes another; its attempt is judged by its evidence all the same"
    else:
        todo = f"`grader regrade {named.student} --assignment {named.assignment} --rerun` records it anew"
    return f"still damaged: {named.whose}; {todo}, or bring it back from a backup"
