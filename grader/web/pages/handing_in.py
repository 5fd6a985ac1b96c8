"""Handing in: one's own work by an account, or one assignment's by a signed link, on the same pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.exceptions import NotFoundException, TooManyRequestsException
from litestar.params import FromPath

from grader.grading.times import in_words
from grader.store.hand_ins import Received, Way
from grader.web.addresses import address, server_address
from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.limits import UPLOADS
from grader.web.rendering import fragment, page, private, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, Site, link_in, server_of
from grader.web.uploads import Uploaded, uploaded, uploads
from grader.workflows.handing_in.links import HandInLink
from grader.workflows.handing_in.overview import handing_in, photos_in, progress_of, receipt_by
from grader.workflows.handing_in.receipts import file_name, receipt_of
from grader.workflows.handing_in.taking import NotTaken, Sender, Sent, take
from grader.workflows.prechecking.online import gives_pre_checks

__all__ = ["LINK_ROUTES", "ROUTES"]


@dataclass(frozen=True)
class _Desk:
    """Whose work a request is about, and where its pages are.

    Attributes:
        base: Address of the first page; the others lie below it.
        token: What the form carries.
        link: By which they came; None for an account.
    """

    site: Site
    student: str
    assignment: str
    base: str
    token: str
    link: HandInLink | None

    @property
    def sender(self) -> Sender:
        way = Way.ACCOUNT if self.link is None else Way.LINK
        return Sender(self.student, way, self.student, "" if self.link is None else self.link.digest)

    def receipt(self, seq: int) -> Received:
        """One of theirs.

        Raises:
            NotFoundException: There is none of this number that they may see.
        """
        link = None if self.link is None else self.link.digest
        found = receipt_by(self.site.store, self.student, self.assignment, seq, link)
        if found is None:
            raise NotFoundException
        return found

    def when(self, moment: datetime) -> str:
        return in_words(moment, self.site.store.zone)


def _of_account(request: AnyRequest, assignment: str) -> _Desk:
    """Who is signed in, as whom they hand in.

    Raises:
        NotFoundException: They hand in nothing to this course.
    """
    who, session = asking(request), server_of(request).session_of(request)
    student = None if session is None else session.student_in(who.site.course.name)
    if session is None or student is None:
        raise NotFoundException
    base = address("my", assignment, "hand-in")
    return _Desk(who.site, student, assignment, base, session.form_token, None)


def _of_link(request: AnyRequest) -> _Desk:
    link = link_in(request)
    site = server_of(request).sites[link.course]
    base = server_address("u", str(request.path_params["signed"]))
    return _Desk(site, link.student, link.assignment, base, link.digest, link)


def _form(request: AnyRequest, desk: _Desk, refused: NotTaken | None = None) -> Response[str]:
    """The page to hand in on; with what was wrong with a file, where one was refused."""
    limit = server_of(request).upload_bytes
    shown = handing_in(
        desk.site.store,
        desk.site.places,
        desk.student,
        desk.assignment,
        desk.link,
        beside=server_of(request).beside(desk.site),
    )
    shown_page = page(
        request,
        "hand_in.html.j2",
        status=200 if refused is None else 422,
        desk=desk,
        handing=shown,
        # Who comes by a link reads nothing of what was made of a file.
        pre_check=desk.link is None and gives_pre_checks(desk.site.store, desk.site.places, desk.assignment),
        refused=refused,
        most_bytes=limit,
        most=f"{limit / 1024**2:g} MB",
    )
    return private(shown_page)


async def _take(request: AnyRequest, desk: _Desk) -> Response[Any]:
    """Takes the file of a form; what a page shows afterwards is the receipt, or why there is none."""
    who = ("upload", desk.site.course.name, desk.student)
    if not server_of(request).tries.take((UPLOADS, who)):
        raise TooManyRequestsException("so many files within some minutes are too many; wait a moment")
    async with uploaded(request) as file:
        return await sync_to_thread(_taken, request, desk, file)


def _taken(request: AnyRequest, desk: _Desk, file: Uploaded) -> Response[Any]:
    sent = Sent(file.content, file.files[0][0], file.at, file.files)
    try:
        taken = take(desk.site.store, desk.site.places, desk.assignment, desk.sender, sent)
    except NotTaken as error:
        return _form(request, desk, error)
    return see_other(f"{desk.base}/receipts/{taken.received.seq}")


def _receipt(request: AnyRequest, desk: _Desk, seq: int) -> Response[str]:
    received = desk.receipt(seq)
    shown = handing_in(
        desk.site.store,
        desk.site.places,
        desk.student,
        desk.assignment,
        desk.link,
        beside=server_of(request).beside(desk.site),
    )
    shown_page = page(
        request,
        "receipt.html.j2",
        desk=desk,
        handing=shown,
        receipt=receipt_of(desk.site.store, received),
        record=received.record,
        photos=photos_in(desk.site.store, received) if shown.of_photos else None,
        at=received.at,
        # Sent before already, with an earlier time.
        same=any(
            each.seq == shown.counts and each.record.notebook == received.record.notebook
            for each in shown.received
        ),
    )
    return private(shown_page)


def _receipt_file(desk: _Desk, seq: int) -> Response[str]:
    receipt = receipt_of(desk.site.store, desk.receipt(seq))
    headers = {"content-disposition": f'attachment; filename="{file_name(receipt)}"'}
    return private(Response(receipt.as_json(), media_type=MediaType.JSON, headers=headers))


def _progress(request: AnyRequest, desk: _Desk) -> dict[str, Any]:
    """For the script: how far it is, and whether asking again is of any use."""
    beside = server_of(request).beside(desk.site)
    progress = progress_of(desk.site.store, desk.student, desk.assignment, beside=beside)
    return {
        "settled": progress.is_settled,
        "again_s": progress.again_s,
        "html": fragment("hand_in_progress.html.j2", progress=progress),
    }


@get("/my/{assignment:str}/hand-in", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def hand_in(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    return _form(request, _of_account(request, assignment))


@post(
    "/my/{assignment:str}/hand-in/file",
    opt={**permits(Permission.OWN_WORK), **uploads()},
    request_max_body_size=None,
)
async def send(request: AnyRequest, assignment: FromPath[str]) -> Response[Any]:
    return await _take(request, await sync_to_thread(_of_account, request, assignment))


@get(
    "/my/{assignment:str}/hand-in/progress",
    opt=permits(Permission.OWN_WORK),
    media_type=MediaType.JSON,
    sync_to_thread=True,
)
@of_one_moment
def progress(request: AnyRequest, assignment: FromPath[str]) -> dict[str, Any]:
    return _progress(request, _of_account(request, assignment))


@get("/my/{assignment:str}/hand-in/receipts/{id:int}", opt=permits(Permission.OWN_WORK), sync_to_thread=True)
@of_one_moment
def receipt(request: AnyRequest, assignment: FromPath[str], id: FromPath[int]) -> Response[str]:
    return _receipt(request, _of_account(request, assignment), id)


@get(
    "/my/{assignment:str}/hand-in/receipts/{id:int}/file",
    opt=permits(Permission.OWN_WORK),
    sync_to_thread=True,
)
@of_one_moment
def receipt_file(request: AnyRequest, assignment: FromPath[str], id: FromPath[int]) -> Response[str]:
    return _receipt_file(_of_account(request, assignment), id)


@get("/u/{signed:str}", opt=permits(Permission.LINK), sync_to_thread=True)
def link_hand_in(request: AnyRequest, signed: FromPath[str]) -> Response[str]:
    return _form(request, _of_link(request))


@post("/u/{signed:str}/file", opt={**permits(Permission.LINK), **uploads()}, request_max_body_size=None)
async def link_send(request: AnyRequest, signed: FromPath[str]) -> Response[Any]:
    return await _take(request, _of_link(request))


@get(
    "/u/{signed:str}/progress",
    opt=permits(Permission.LINK),
    media_type=MediaType.JSON,
    sync_to_thread=True,
)
def link_progress(request: AnyRequest, signed: FromPath[str]) -> dict[str, Any]:
    return _progress(request, _of_link(request))


@get("/u/{signed:str}/receipts/{id:int}", opt=permits(Permission.LINK), sync_to_thread=True)
def link_receipt(request: AnyRequest, signed: FromPath[str], id: FromPath[int]) -> Response[str]:
    return _receipt(request, _of_link(request), id)


@get("/u/{signed:str}/receipts/{id:int}/file", opt=permits(Permission.LINK), sync_to_thread=True)
def link_receipt_file(request: AnyRequest, signed: FromPath[str], id: FromPath[int]) -> Response[str]:
    return _receipt_file(_of_link(request), id)


ROUTES = (hand_in, send, progress, receipt, receipt_file)
LINK_ROUTES = (link_hand_in, link_send, link_progress, link_receipt, link_receipt_file)
