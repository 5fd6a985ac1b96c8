"""Work that lies in the queue of a course without any run that waits for it, as a page leaves it there."""

from __future__ import annotations

from pathlib import Path

from grader.intake import Submission
from grader.intake.beside import packed
from grader.rubric.plan import plan_for
from grader.store import ANYWHERE, Ask, JobKey, Signature, Store
from grader.store.records import SubmissionRecord
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import read_file
from tests import course

__all__ = ["queue_up"]


def queue_up(
    store: Store,
    student: str,
    *sources: str,
    rubric: Path,
    raw: bytes | None = None,
    beside: tuple[tuple[str, bytes], ...] = (),
    image: str = ANYWHERE,
    fresh: bool = False,
) -> int | None:
    """Hands in a notebook of these cells, with files beside it, and queues it; gives the job."""
    content = packed("lab.ipynb", raw if raw is not None else course.notebook(*sources), beside)
    loaded = load_rubric_file(rubric)
    plan = plan_for(loaded.rubric)
    notebook, kept = store.blobs.put(content), store.blobs.put(plan.model_dump_json().encode())
    problem = read_file(Submission(student, Path("lab.ipynb"), lambda: content)).problem
    with store.writing() as history:
        history.hand_in(
            SubmissionRecord(
                student=student,
                assignment=loaded.assignment,
                notebook=notebook,
                path="lab.ipynb",
                submitted_at=None,
                late=False,
                problem=problem,
            ),
            Signature(student, store.clock(), "handed in"),
        )
        ask = Ask(JobKey(student, loaded.assignment, notebook, kept, "" if problem else image))
        return history.queue([ask], store.clock(), fresh=fresh)[0]
