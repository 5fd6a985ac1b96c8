"""A rubric published: every mark of an assignment stands on it, in one transaction, or none does."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors import RefusedError
from grader.facts.case import Reference
from grader.store import Signature, Store, WritableHistory
from grader.store.rubrics import LoadedRubric
from grader.workflows.publishing.draft import Standing, standing_rubric
from grader.workflows.publishing.trial import Told, Trial, trial_of
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import JudgedAgain, judged_again, to_judge
from grader.workflows.views.show import each_result, name_of

__all__ = ["PublishOrder", "Published", "publish_rubric"]

#: So often those are judged who came while the others were; a class hands in no faster.
_ROUNDS = 20


@dataclass(frozen=True)
class PublishOrder:
    """What somebody decided after they had seen what it does.

    Attributes:
        loaded: The rubric.
        instead_of: Key of the rubric that it was compared with (`Standing.key`).
        reason: Why, in a line; it is sealed with every verdict.
    """

    loaded: LoadedRubric
    instead_of: str
    reason: str
    actor: str


@dataclass(frozen=True)
class Published:
    """What a publication came to.

    Attributes:
        row: The rubric's number in the history.
        name: Of the course's file, which says something else until somebody brings it up to this.
        trial: What became of the marks.
    """

    row: int
    name: str
    trial: Trial


def publish_rubric(
    store: Store, order: PublishOrder, reference: Reference, *, told: Told = lambda done, of: None
) -> Published:
    """Judges all stored evidence by a rubric and lets it count; runs nothing.

    All verdicts are worked out before the first is written, and written in one transaction, so that whoever
    is killed meanwhile has done nothing. Who hands in meanwhile is judged by it as well.

    Args:
        store: Where evidence and history are.
        order: What, by whom and why.
        reference: The course's own answers.
        told: Told of each work that is judged.

    Raises:
        RefusedError: No reason is given, another rubric stands by now than the one that it was compared
            with, or no work could be judged.
        StoreError: The database failed; nothing was written.
    """
    _require_reason(order)
    assignment, judge = order.loaded.assignment, Judge(order.loaded, reference)
    _require_same(standing_rubric(store, assignment), order)
    judged: dict[str, JudgedAgain] = {}
    newest = 0
    for _ in range(_ROUNDS):
        newest = _judge_those_since(store, judge, newest, judged, told)
        with store.writing() as history:
            if history.attempted_since(assignment, newest):
                continue
            row = _write(history, order, list(judged.values()), store)
        done = [item.regraded for item in judged.values() if not item.regraded.dropped]
        return Published(
            row, order.loaded.name, trial_of(done, order.loaded, name_of(store, anonymous=False))
        )
    raise RefusedError("works come in faster than they are judged; nothing was published", where=assignment)


def _judge_those_since(
    store: Store, judge: Judge, newest: int, judged: dict[str, JudgedAgain], told: Told
) -> int:
    """Judges who has an attempt later than `newest`; gives the newest attempt of all."""
    assignment = judge.rubric.assignment
    with store.reading() as history:
        since = history.attempted_since(assignment, newest)
    whose = sorted(since) if newest else ()
    results = each_result(store, assignment, whose, with_dropped=True) if since else ()
    works = to_judge(results, lambda _: judge)
    told(0, len(works))
    for done, item in enumerate(judged_again(store, works), start=1):
        judged[item.regraded.student] = item
        told(done, len(works))
    return max([newest, *since.values()])


def _write(history: WritableHistory, order: PublishOrder, judged: list[JudgedAgain], store: Store) -> int:
    """Within one transaction: the rubric, a verdict for each, and that it counts."""
    now = history.published_rubric(order.loaded.assignment)
    record = now.rubric if now else history.newest_rubric(order.loaded.assignment)
    if record is None or Standing(order.loaded, record, now).key != order.instead_of:
        raise _overtaken(now.seal.actor if now else "somebody")
    signature = Signature(order.actor, store.clock(), f"rubric published: {order.reason}")
    written = [
        item.judge.write(history, item.verdict, item.attempt, signature)
        for item in judged
        if item.verdict is not None
    ]
    if not written:
        raise RefusedError("no work could be judged by this rubric; nothing was published")
    rubric = history.keep_rubric(order.loaded.kept, signature)
    history.publish_rubric(rubric, written[0])
    return rubric.seq


def _require_reason(order: PublishOrder) -> None:
    if not order.reason.strip():
        raise RefusedError("a reason is needed: it is sealed with every mark that changes")


def _require_same(standing: Standing, order: PublishOrder) -> None:
    if standing.key != order.instead_of:
        raise _overtaken(standing.published.seal.actor if standing.published else "somebody")
    if standing.record.key == order.loaded.kept.key:
        raise RefusedError("this is the rubric that stands already; there is nothing to publish")


def _overtaken(who: str) -> RefusedError:
    return RefusedError(
        f"{who} changed the rubric since you compared with it; nothing was published",
        todo="try your text out again, against the rubric that stands now",
    )
