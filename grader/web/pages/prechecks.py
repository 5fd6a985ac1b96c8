"""Pre-checks: a student sends a notebook that is not handed in, and reads what the rubric makes public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.exceptions import NotFoundException, TooManyRequestsException
from litestar.params import FromPath

from grader.grading.times import in_words
from grader.web.addresses import address
from grader.web.asking import asking
from grader.web.guards import permits
from grader.web.limits import UPLOADS
from grader.web.rendering import fragment, page, private, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, Site, server_of
from grader.web.uploads import Uploaded, uploaded, uploads
from grader.workflows.handing_in.taking import NotTaken, Sent
from grader.workflows.prechecking.online import (
    KEPT_H,
    WAITS_H,
    OwnPreChecks,
    own_pre_checks,
    send_for_pre_check,
)

__all__ = ["ROUTES"]


@dataclass(frozen=True)
class _Own:
    """A student who is signed in, and what they have of one assignment."""

    site: Site
    student: str
    assignment: str
    token: str

    @property
    def base(self) -> str:
        return address("my", self.assignment, "pre-check")

    def found(self) -> OwnPreChecks:
        """What they see.

        Raises:
            NotFoundException: The course gives none for this assignment.
        """
        found = own_pre_checks(self.site.store, self.site.places, self.student, self.assignment)
        if found is None:
            raise NotFoundException
        return found

    def when(self, moment: datetime) -> str:
        return in_words(moment, self.site.store.zone)


def _own(request: AnyRequest, assignment: str) -> _Own:
    """Who is signed in, as whom they hand in.

    Raises:
        NotFoundException: They hand in nothing to this course.
    """
    who, session = asking(request), server_of(request).session_of(request)
    student = None if session is None else session.student_in(who.site.course.name)
    if session is None or student is None:
        raise NotFoundException
    return _Own(who.site, student, assignment, session.form_token)


def _form(request: AnyRequest, own: _Own, refused: NotTaken | None = None) -> Response[str]:
    limit = server_of(request).upload_bytes
    shown = page(
        request,
        "pre_check.html.j2",
        status=200 if refused is None else 422,
        own=own,
        found=own.found(),
        when=own.when,
        refused=refused,
        kept_h=KEPT_H,
        waits_h=WAITS_H,
        most_bytes=limit,
        most=f"{limit / 1024**2:g} MB",
    )
    return private(shown)


def _sent(request: AnyRequest, own: _Own, file: Uploaded) -> Response[Any]:
    sent = Sent(file.content, file.files[0][0], file.at, file.files)
    try:
        send_for_pre_check(own.site.store, own.site.places, own.student, own.assignment, sent)
    except NotTaken as error:
        return _form(request, own, error)
    return see_other(own.base)


@get("/my/{assignment:str}/pre-check", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
def pre_check(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    return _form(request, _own(request, assignment))


@post(
    "/my/{assignment:str}/pre-check/file",
    opt={**permits(Permission.OWN_WORK), **uploads()},
    request_max_body_size=None,
)
async def send(request: AnyRequest, assignment: FromPath[str]) -> Response[Any]:
    own = await sync_to_thread(_own, request, assignment)
    if not server_of(request).tries.take((UPLOADS, ("pre-check", own.site.course.name, own.student))):
        raise TooManyRequestsException("so many files within some minutes are too many; wait a moment")
    async with uploaded(request) as file:
        return await sync_to_thread(_sent, request, own, file)


@get(
    "/my/{assignment:str}/pre-check/progress",
    opt=permits(Permission.OWN_WORK),
    media_type=MediaType.JSON,
    sync_to_thread=True,
)
def progress(request: AnyRequest, assignment: FromPath[str]) -> dict[str, Any]:
    """For the script: how far it is with what was told, and whether asking again is of any use."""
    own = _own(request, assignment)
    found = own.found()
    return {
        "settled": found.is_settled,
        "html": fragment("pre_check_told.html.j2", found=found, when=own.when),
    }


ROUTES = (pre_check, send, progress)
