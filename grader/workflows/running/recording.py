"""Recording: evidence becomes a verdict, and both become an attempt in the history. It needs no sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import grader
from grader.evidence.codec import Bundle, decode, encode
from grader.evidence.record import CellRecord
from grader.grading.verdict import Verdict
from grader.store import Queue, Signature, Store, WritableHistory
from grader.store.job_ends import JobEnd
from grader.store.queue import Claim
from grader.store.records import NewAttempt
from grader.store.second_runs import Found
from grader.workflows.regrading.judging import Judge, new_attempt
from grader.workflows.regrading.pool import can_travel
from grader.workflows.running.second_run import FAILED, again, compared

__all__ = ["Ending", "Prepared", "Recording", "Written", "as_handed_in", "written_at_once"]


@dataclass(frozen=True)
class Prepared:
    """What came of a job, before it is written.

    Attributes:
        judge: None where nobody could be found.
        verdict: None where judging failed by our own fault; the evidence is judged by a later run.
        why_not: What failed.
        again: Plan and seed to run it once more by, where it is drawn.
        found: Of a second run, what it came to: nothing else of it is kept.
    """

    claim: Claim
    attempt: NewAttempt
    judge: Judge | None
    verdict: Verdict | None
    why_not: Exception | None = None
    again: tuple[str, int] | None = None
    found: Found | None = None


class Ending(Protocol):
    """Brings jobs to their end with what was executed; by the purpose of a job another one."""

    def judge(self, claim: Claim, bundle: Bundle, judge: Judge | None) -> Prepared:
        """Works out what is to be written; writes nothing of the database.

        Raises:
            StoreError: The evidence cannot be kept.
        """

    def write(self, result: Prepared) -> bool:
        """Ends the job and writes what came of it, all in one transaction.

        Returns:
            Whether it stands; False where another claim of the job is newer, and then nothing is written.

        Raises:
            StoreError: The database failed; nothing was written.
        """

    def written(self, result: Prepared) -> Callable[[WritableHistory], bool]:
        """What `write` does within its transaction, for whoever writes several in one."""


@dataclass(frozen=True)
class Recording:
    """Turns evidence into rows, whoever executed the notebook.

    Attributes:
        actor: Who is written down.
        why: In one line.
        by_process: Judges encoded evidence, by its digest, in a process behind walls; None judges it here.
        audits: Whether some attempts are run once more: for whoever serves a queue, where they can wait.
        one_in: Of how many attempts of an assignment one is, where that was asked for several ends at once.
    """

    store: Store
    queue: Queue
    actor: str
    why: str = "grader run"
    by_process: Callable[[Judge, bytes, str], Verdict] | None = None
    audits: bool = False
    one_in: Mapping[str, int] = field(default_factory=dict)

    def judge(self, claim: Claim, bundle: Bundle, judge: Judge | None) -> Prepared:
        """Keeps the evidence and judges it; nothing of the history is touched.

        Args:
            claim: The job that it is of.
            bundle: Evidence of the file handed in.
            judge: By whom; None leaves it to a later run.

        Raises:
            StoreError: The evidence cannot be kept.
        """
        raw = encode(bundle)
        digest = self.store.blobs.put(raw)
        attempt = new_attempt(
            bundle,
            job=claim.id,
            student=claim.key.student,
            assignment=claim.key.assignment,
            digest=digest,
        )
        failed = FAILED if claim.is_second_run else None
        if judge is None or (failed and bundle.evidence.outcome.our_fault):
            return Prepared(claim, attempt, None, None, found=failed)
        judging = judge

        def judged(raw: bytes, digest: str, bundle: Bundle | None = None) -> Verdict:
            if self.by_process and can_travel(judging):
                return self.by_process(judging, raw, digest)
            return judging.verdict(bundle or decode(raw), digest)

        try:
            verdict = judged(raw, digest, bundle)
            if claim.is_second_run:
                found = compared(self.store, claim, digest, verdict, judged)
                return Prepared(claim, attempt, judge, verdict, found=found)
        except Exception as error:  # a fault of ours must not lose the evidence
            return Prepared(claim, attempt, judge, None, error, found=failed)
        more = None
        if self.audits:
            # Whatever is wrong with the look at ourselves, the attempt stands.
            with suppress(Exception):
                more = again(self.store, claim, bundle, digest, self.one_in.get(claim.key.assignment))
        return Prepared(claim, attempt, judge, verdict, again=more)

    def write(self, result: Prepared) -> bool:
        """Ends the job and writes attempt and verdict, all in one transaction, maybe with those of others.

        A rubric that the desk published since the run began judges in place of the run's own.

        Returns:
            Whether it is in the history, also where it was written before and nobody heard of it. False where
            the claim is no longer the job's newest: then nothing is written anywhere.

        Raises:
            StoreError: The database failed; nothing was written.
        """
        return self.store.add(self.written(result), written_at_once)

    def written(self, result: Prepared) -> Written:
        return Written(self, result, Signature(self.actor, self.store.clock(), self.why))

    def as_published_by_now(
        self, history: WritableHistory, result: Prepared, judge: Judge, verdict: Verdict
    ) -> tuple[Judge, Verdict]:
        """The verdict, worked out again where a rubric was published since the run began; that is rare."""
        published = history.published_rubric(result.attempt.assignment)
        if published is None or published.rubric.key == judge.rubric.kept.key:
            return judge, verdict
        judge = Judge(self.store.rubric(published.rubric), judge.reference)
        return judge, judge.verdict(self.store.evidence(result.attempt), result.attempt.evidence)


@dataclass(frozen=True)
class Written:
    """What is done of a recording within a transaction."""

    recording: Recording
    result: Prepared
    signature: Signature

    def __call__(self, history: WritableHistory) -> bool:
        """Ends the job and adds what came of it; whether that stands."""
        queue, result, signature = self.recording.queue, self.result, self.signature
        if not queue.finish(history, result.claim):
            return queue.was_ended_by(history, result.claim)
        if result.found is not None:
            history.end_second_run(result.claim.id, result.found)
            return True
        attempts = [history.add_attempt(each, signature) for each in _of_each(history, result)]
        if result.judge is not None and result.verdict is not None:
            judge, verdict = self.recording.as_published_by_now(history, result, result.judge, result.verdict)
            for attempt in attempts:
                judge.write(history, verdict, attempt, signature)
        if result.again is not None:
            plan, seed = result.again
            # Of a group's work the first of them stands for all.
            history.run_twice(attempts[0].seq, result.claim.id, plan, seed, self.recording.store.clock())
        return True

    @property
    def end(self) -> JobEnd | None:
        """It as no more than an attempt and its verdict; None where there is more to it, or less."""
        result = self.result
        if result.judge is None or result.verdict is None or result.again or result.found:
            return None
        claim, rubric = result.claim, result.judge.rubric.kept
        return JobEnd(
            claim.id, claim.token, result.attempt, result.verdict, rubric, grader.__version__, self.signature
        )


def written_at_once(
    history: WritableHistory, actions: Sequence[Callable[[WritableHistory], bool]]
) -> list[bool | None]:
    """Writes those of several recordings that are an attempt and its verdict; None for all others.

    A rubric that the desk published meanwhile judges in place of a run's own: that is for each by itself.
    """
    ends: dict[int, JobEnd] = {}
    published: dict[str, tuple[str, str] | None] = {}
    for place, action in enumerate(actions):
        end = action.end if isinstance(action, Written) else None
        if end is None:
            continue
        assignment = end.attempt.assignment
        if assignment not in published:
            found = history.published_rubric(assignment)
            published[assignment] = None if found is None else found.rubric.key
        if published[assignment] in (None, end.rubric.key):
            ends[place] = end
    written = dict(zip(ends, history.end_jobs(list(ends.values())), strict=True))
    return [True if written.get(place) else None for place in range(len(actions))]


def _of_each(history: WritableHistory, result: Prepared) -> Iterator[NewAttempt]:
    """The attempt, and that of everybody else for whom the same file counts: one run is the run of all."""
    yield result.attempt
    key = result.claim.key
    for student in history.sharers(key.assignment, key.student, key.notebook):
        yield replace(result.attempt, job=history.note_job_done(result.claim.id, student), student=student)


def as_handed_in(bundle: Bundle, notebook: str, cells: tuple[CellRecord, ...]) -> Bundle:
    """The evidence on the file handed in, of which the sandbox saw the clean copy only."""
    runs = {cell.index: cell.run for cell in bundle.evidence.cells}
    known = tuple(cell.model_copy(update={"run": runs.get(cell.index)}) for cell in cells)
    evidence = bundle.evidence.model_copy(update={"notebook": notebook, "cells": known})
    return Bundle(evidence, bundle.arrays)
