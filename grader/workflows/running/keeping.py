"""Work as the store keeps it: what was handed in as a row, what is to be done as a job."""

from __future__ import annotations

from grader.evidence.plan import Plan
from grader.store import Ask, JobKey, Priority, Store
from grader.store.records import SubmissionRecord
from grader.workflows.running.planning import Work

__all__ = ["as_submission", "ask_for", "job_key", "keep_plan"]


def keep_plan(store: Store, plan: Plan) -> str:
    """Stores a plan beside the notebooks, where whoever takes a job of it finds it.

    Returns:
        Its name there.
    """
    return store.blobs.put(plan.model_dump_json().encode())


def job_key(work: Work, plan: str, image: str) -> JobKey:
    """What makes a piece of work the same work.

    Args:
        work: Of one student.
        plan: As `keep_plan` named it.
        image: What it runs in.
    """
    return JobKey(
        student=work.student,
        assignment=work.assignment,
        notebook=work.file.notebook,
        plan=plan,
        image=image,
    )


def ask_for(work: Work, key: JobKey, priority: Priority) -> Ask:
    """What the queue is asked for: a file that cannot be read is told of without a GPU."""
    return Ask(key, priority=priority, gpu=work.plan.cuda and not work.file.problem)


def as_submission(work: Work) -> SubmissionRecord:
    """The row that says what was handed in."""
    submission = work.file.submission
    return SubmissionRecord(
        student=work.student,
        assignment=work.assignment,
        notebook=work.file.notebook,
        path=str(submission.path),
        submitted_at=submission.submitted_at,
        late=submission.late,
        problem=work.file.problem,
    )
