"""The rubric as text, with what it would do to the class, and its publication."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from grader.grading.what_if import WhatIf
from grader.reporting.pictures.marks import before_and_after
from grader.store.drafts import RubricDraft
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.jobs import Job, Told
from grader.web.rendering import address, fragment, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.publishing.draft import Draft, Standing, read_draft, read_with_points, standing_rubric
from grader.workflows.publishing.kept import forget_text, keep_text, kept_text
from grader.workflows.publishing.points import PointsRow, packed_class, points_rows, reckon, students_of
from grader.workflows.publishing.publish import PublishOrder, publish_rubric
from grader.workflows.publishing.trial import try_on_class

__all__ = ["ROUTES"]

_TRY, _PUBLISH = "trial", "publication"
#: So many works are judged in about a second, within which most people look at their text only.
_LIVE = 500
_WAIT_S = 1.0


@dataclass(frozen=True)
class _About:
    """What a job is about: the text tried, and the rubric that it was compared with."""

    assignment: str
    draft: Draft
    instead_of: str


@get("/a/{assignment:str}/rubric", opt=permits(Permission.TRY_RUBRIC), sync_to_thread=True)
@of_one_moment
def rubric(
    request: AnyRequest, assignment: FromPath[str], job: FromQuery[str] = "", draft: FromQuery[str] = ""
) -> Response[str]:
    """The rubric that stands, the text of a trial with what came of it, or a text that was kept."""
    who = asking(request)
    found = _find(who, assignment, job) if job else None
    if found is not None:
        return _shown(request, who, assignment, job=found)
    kept = kept_text(who.store, assignment, owner=who.name)
    if job and kept is None:
        raise NotFoundException
    if not job and draft != "kept":
        return _shown(request, who, assignment, kept=kept)
    # What came of a trial went with the server that it ran in; its text did not.
    text = kept.text if kept is not None else ""
    read = read_draft(standing_rubric(who.store, assignment), text, who.site.reference) if text else None
    return _shown(request, who, assignment, draft=read, lost=bool(job))


@post("/a/{assignment:str}/rubric/forget", opt=permits(Permission.TRY_RUBRIC), sync_to_thread=True)
def forget(request: AnyRequest, assignment: FromPath[str]) -> Response[Any]:
    """Gives up the text that was kept."""
    who = asking(request)
    forget_text(who.store, assignment, owner=who.name)
    return see_other(address("a", assignment, "rubric"))


@post("/a/{assignment:str}/rubric/try", opt=permits(Permission.TRY_RUBRIC), sync_to_thread=True)
def try_out(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Tries a text out; or reckons other points, or writes them into the text."""
    who, step, text = asking(request), form.text("step"), form.exact("text")
    standing = standing_rubric(who.store, assignment)
    if step == "reckon":
        weights = form.numbers("w.")
        return _shown(request, who, assignment, text=text, weights=weights)
    if step == "points":
        draft = read_with_points(standing, text, form.numbers("w."), who.site.reference)
    else:
        draft = read_draft(standing, text, who.site.reference)
    keep_text(who.store, assignment, draft, owner=who.name)
    if draft.loaded is None or draft.same:
        return _shown(request, who, assignment, draft=draft, status=422 if draft.loaded is None else 200)
    job = _begin_trial(who, assignment, draft, standing, wait_s=_WAIT_S)
    return see_other(_page(assignment, job=job.id))


@post(
    "/a/{assignment:str}/rubric/live",
    opt=permits(Permission.TRY_RUBRIC),
    media_type=MediaType.JSON,
    status_code=200,
    sync_to_thread=True,
)
def live(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> dict[str, Any]:
    """For the script: what is wrong at which line, and the number of the trial that was begun."""
    who = asking(request)
    standing = standing_rubric(who.store, assignment)
    draft = read_draft(standing, form.exact("text"), who.site.reference)
    keep_text(who.store, assignment, draft, owner=who.name)
    job = None
    small = students_of(who.store, assignment) <= _LIVE or form.text("whole") == "yes"
    if draft.loaded is not None and not draft.same and small:
        job = _begin_trial(who, assignment, draft, standing)
    return {
        "problems": [
            {"line": each.line, "what": each.what, "certain": each.certain} for each in draft.problems
        ],
        "html": fragment("rubric_problems.html.j2", problems=_with_lines(draft), same=draft.same),
        "job": job.id if job else None,
    }


@get(
    "/a/{assignment:str}/rubric/state",
    opt=permits(Permission.TRY_RUBRIC),
    media_type=MediaType.JSON,
    sync_to_thread=True,
)
@of_one_moment
def state(request: AnyRequest, assignment: FromPath[str], job: FromQuery[str] = "") -> dict[str, Any]:
    """For the script: how far a trial or a publication is, and what came of it as HTML."""
    found = _found(asking(request), assignment, job)
    html = fragment("rubric_trial.html.j2", job=found, about=found.about, assignment=assignment, drawn=_drawn)
    return {"over": found.is_over, "sound": found.result is not None, "html": html}


@get("/a/{assignment:str}/rubric/shares", opt=permits(Permission.TRY_RUBRIC), sync_to_thread=True)
@of_one_moment
def shares(request: AnyRequest, assignment: FromPath[str]) -> Response[bytes]:
    """For the sliders: each mark as shares of its criteria, in no order that tells whose it is.

    A line of JSON with what follows it: for each rubric by which marks stand its criteria, what they are
    worth, and how many marks there are; then these, as `grader.grading.what_if` packs them.
    """
    classes = packed_class(asking(request).store, assignment)
    head = [{"criteria": each.criteria, "out_of": each.out_of, "bytes": len(each.marks)} for each in classes]
    body = json.dumps(head).encode() + b"\n" + b"".join(each.marks for each in classes)
    return Response(body, media_type="application/octet-stream")


@get("/a/{assignment:str}/rubric/confirm", opt=permits(Permission.PUBLISH_RUBRIC), sync_to_thread=True)
@of_one_moment
def confirm(request: AnyRequest, assignment: FromPath[str], job: FromQuery[str] = "") -> Response[Any]:
    """Whose marks change, and the question whether they shall."""
    who = asking(request)
    found = _find(who, assignment, job)
    if found is None:
        return _lost(who, assignment, job)
    if found.kind != _TRY or found.result is None:
        return see_other(_page(assignment, job=job))
    return _asked(request, who, assignment, found)


@post("/a/{assignment:str}/rubric/publish", opt=permits(Permission.PUBLISH_RUBRIC), sync_to_thread=True)
def publish(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Lets the text of a trial count, in the background."""
    who, reason = asking(request), form.text("reason")
    found = _find(who, assignment, form.text("job"))
    if found is None:
        return _lost(who, assignment, form.text("job"))
    about = found.about
    if found.kind != _TRY or found.result is None or about.draft.loaded is None:
        raise FormError("this rubric was not tried out; load the page again")
    if not reason:
        return _asked(
            request, who, assignment, found, said="A reason is needed: it stands beside every mark."
        )
    order = PublishOrder(about.draft.loaded, about.instead_of, reason, who.name)
    job = who.site.jobs.start(
        who.name,
        _PUBLISH,
        about,
        lambda told: _published(who, order, told),
        wait_s=_WAIT_S,
    )
    return see_other(_page(assignment, job=job.id))


def _published(who: Asking, order: PublishOrder, told: Told) -> Any:
    done = publish_rubric(who.store, order, who.site.reference, told=told)
    forget_text(who.store, order.loaded.assignment, owner=who.name)
    return done


def _begin_trial(
    who: Asking, assignment: str, draft: Draft, standing: Standing, *, wait_s: float = 0.0
) -> Job:
    loaded = draft.loaded
    assert loaded is not None
    return who.site.jobs.start(
        who.name,
        _TRY,
        _About(assignment, draft, standing.key),
        lambda told: try_on_class(who.store, loaded, who.site.reference, anonymous=who.blind, told=told),
        wait_s=wait_s,
    )


def _find(who: Asking, assignment: str, id: str) -> Job | None:
    """A trial or publication of theirs; None where it is long over, or went with an earlier server."""
    job = who.site.jobs.find(id, who.name)
    return job if job is not None and job.about.assignment == assignment else None


def _lost(who: Asking, assignment: str, job: str) -> Redirect:
    """To the text of a trial that is gone; nowhere, where they have none."""
    if kept_text(who.store, assignment, owner=who.name) is None:
        raise NotFoundException
    return see_other(_page(assignment, job=job))


def _found(who: Asking, assignment: str, id: str) -> Job:
    job = _find(who, assignment, id)
    if job is None:
        raise NotFoundException
    return job


def _shown(
    request: AnyRequest,
    who: Asking,
    assignment: str,
    *,
    job: Job | None = None,
    draft: Draft | None = None,
    text: str = "",
    weights: dict[str, float] | None = None,
    kept: RubricDraft | None = None,
    lost: bool = False,
    status: int = 200,
) -> Response[str]:
    """The page with a text: of a draft, of a trial, as it was sent, or the one that stands.

    `kept` is offered beside the one that stands; `lost` says that what came of a trial is gone.
    """
    standing = standing_rubric(who.store, assignment)
    if job is not None and job.kind == _TRY:
        draft = job.about.draft
    text = text or (draft.text if draft else standing.loaded.text)
    rows = points_rows(standing, draft.loaded if draft else None, weights)
    reckoned = reckon(who.store, assignment, {row.id: row.points for row in rows})
    return page(
        request,
        "rubric.html.j2",
        status=status,
        assignment=assignment,
        standing=standing,
        text=text,
        problems=_with_lines(draft) if draft else [],
        same=draft.same if draft else False,
        job=job,
        about=job.about if job else None,
        rows=rows,
        total=round(sum(row.points for row in rows), 2),
        highest=_highest(rows),
        reckoned=reckoned,
        picture=_picture(reckoned),
        asked_points=weights is not None,
        live=students_of(who.store, assignment) <= _LIVE,
        drawn=_drawn,
        kept=kept if kept is not None and kept.text != standing.loaded.text else None,
        lost=lost,
    )


def _asked(request: AnyRequest, who: Asking, assignment: str, job: Job, *, said: str = "") -> Response[str]:
    standing = standing_rubric(who.store, assignment)
    if standing.key != job.about.instead_of:
        by = standing.published.seal.actor if standing.published else "somebody"
        return page(
            request,
            "said.html.j2",
            status=409,
            assignment=assignment,
            title="The rubric is another by now",
            why=f"{by} changed the rubric since yours was tried out; try yours out again",
        )
    return page(
        request,
        "rubric_confirm.html.j2",
        status=422 if said else 200,
        assignment=assignment,
        job=job,
        trial=job.result,
        standing=standing,
        said=said,
        drawn=_drawn,
    )


def _with_lines(draft: Draft) -> list[dict[str, Any]]:
    """Problems, each with the line that it is about."""
    lines = draft.text.split("\n")
    return [
        {"problem": each, "text": lines[each.line - 1] if each.line <= len(lines) else ""}
        for each in draft.problems
    ]


def _highest(rows: list[PointsRow]) -> float:
    """Where sliders end: twice what the largest criterion is worth, and ten at least."""
    return max([10.0, *(2 * max(row.points, row.stands) for row in rows)])


def _picture(reckoned: WhatIf) -> Any:
    return before_and_after(reckoned.before, reckoned.after)


def _drawn(trial: Any) -> Any:
    return before_and_after(trial.before, trial.after)


def _page(assignment: str, **query: str) -> str:
    return f"{address('a', assignment, 'rubric')}?{urlencode(query)}"


ROUTES = (rubric, forget, try_out, live, state, shares, confirm, publish)
