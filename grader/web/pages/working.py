"""For workers on other machines: take a job, keep it, send evidence, end the job.

No page of it shows anything of a course; a token opens nothing but what was leased to its worker.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from litestar import MediaType, Response, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import EvidenceError, StoreUnavailable
from grader.store.workers import Said, WorkerRecord
from grader.web.guards import permits
from grader.web.observed import log_failure
from grader.web.roles import Permission
from grader.web.site import WORKER, AnyRequest, server_of
from grader.workflows.leasing.remote import End, Ended, Lease, LeaseLost, NotSent, RemoteDesk

__all__ = ["ROUTES"]

_WORK = permits(Permission.WORK)
_MOST_LEASES = 1000
_LONGEST_TEXT = 200
_LONGEST_REASON = 2000
#: No plan lets an attempt leave more.
_MOST_BYTES = 1024 * 1024 * 1024
#: What is no longer, all of a request together, travels with claims and ends: two requests of four are saved.
_INLINE_BYTES = 128 * 1024
_MOST_AT_ONCE = 32
_DASHBOARD = r"^(https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._/\-]*)?)?$"
_SHA256 = re.compile("[0-9a-f]{64}")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Lease(_Model):
    course: str = Field(max_length=_LONGEST_TEXT)
    job: int = Field(ge=1, lt=2**62)
    token: int = Field(ge=1, lt=2**62)

    @property
    def lease(self) -> Lease:
        return Lease(self.course, self.job, self.token)


class _Told(_Model):
    """What a worker says of itself."""

    host: str = Field(max_length=_LONGEST_TEXT)
    version: str = Field(max_length=_LONGEST_TEXT)
    seats: int = Field(ge=1, le=10_000)
    gpus: int = Field(ge=0, le=10_000)
    # People are shown it as a link: nothing that a browser would run.
    dashboard: str = Field(default="", max_length=_LONGEST_TEXT, pattern=_DASHBOARD)

    @property
    def said(self) -> Said:
        return Said(self.host, self.version, self.seats, self.gpus, self.dashboard)


class _Claim(_Model):
    """What a worker can run, and how many at once; `inline` where it wants to be sent small work with it."""

    image: str = Field(min_length=1, max_length=_LONGEST_TEXT)
    gpu: bool
    inline: bool = False
    most: int = Field(default=1, ge=1, le=_MOST_AT_ONCE)


class _Beat(_Model):
    about: _Told
    leases: list[_Lease] = Field(max_length=_MOST_LEASES)


class _End(_Lease):
    """The end of a job; `raw` is its evidence in base64, where it was not sent before."""

    evidence: str = Field(pattern=_SHA256.pattern)
    raw: str | None = Field(default=None, max_length=4 * _INLINE_BYTES // 3 + 4)

    @property
    def content(self) -> bytes | None:
        try:
            return None if self.raw is None else base64.b64decode(self.raw, validate=True)
        except binascii.Error as error:
            raise HTTPException("this evidence is no base64", status_code=400) from error


class _Finish(_Model):
    ends: list[_End] = Field(min_length=1, max_length=_MOST_AT_ONCE)


class _Fail(_Lease):
    """A sandbox that failed; without a reason the worker was stopped, and no try is used up."""

    reason: str = Field(max_length=_LONGEST_REASON)


def _worker(request: AnyRequest) -> WorkerRecord:
    worker = request.scope["state"][WORKER]
    assert isinstance(worker, WorkerRecord)
    return worker


def _desk(request: AnyRequest) -> RemoteDesk:
    return server_of(request).remote


async def _read(request: AnyRequest, model: type[BaseModel]) -> Any:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(
            f"this is no such request: {error.error_count()} problems", status_code=400
        ) from error


def _lease_of(request: AnyRequest) -> Lease:
    """As the address names it."""
    try:
        return _Lease.model_validate(dict(request.query_params), strict=False).lease
    except ValidationError as error:
        raise HTTPException("this address names no lease", status_code=400) from error


def _told(status: int, **what: Any) -> Response[dict[str, Any]]:
    return Response(what, status_code=status, media_type=MediaType.JSON)


@post("/worker/v1/claim", opt=_WORK, status_code=200)
async def claim(request: AnyRequest) -> Response[Any]:
    """The next jobs, or 204 where there is none for this worker."""
    wanted = await _read(request, _Claim)
    desk, worker = _desk(request), _worker(request)
    leased = await sync_to_thread(
        lambda: desk.claim(worker, image=wanted.image, gpu=wanted.gpu, most=wanted.most)
    )
    if not leased:
        return Response(None, status_code=204)
    room, jobs = _INLINE_BYTES if wanted.inline else 0, list[dict[str, Any]]()
    for each in leased:
        inline = len(each.parcel) <= room
        room -= len(each.parcel) if inline else 0
        jobs.append(
            {
                **vars(each.lease),
                "sha256": each.sha256,
                "size": len(each.parcel),
                "lease_s": each.lease_s,
                **({"work": base64.b64encode(each.parcel).decode()} if inline else {}),
            }
        )
    return _told(200, jobs=jobs)


@get("/worker/v1/work", opt=_WORK)
async def work(
    request: AnyRequest,
) -> Response[Any]:
    """Notebook, files and plan of a job that this worker holds."""
    desk, worker, lease = _desk(request), _worker(request), _lease_of(request)
    try:
        raw = await sync_to_thread(lambda: desk.parcel(worker, lease))
    except LeaseLost:
        return _told(409, error="lease lost")
    return Response(raw, media_type="application/octet-stream")


@post("/worker/v1/beat", opt=_WORK, status_code=200)
async def beat(request: AnyRequest) -> Response[Any]:
    """Renews leases; tells those that hold, and those that are to be stopped."""
    beating = await _read(request, _Beat)
    desk, worker = _desk(request), _worker(request)
    leases = [each.lease for each in beating.leases]

    def renew() -> list[Lease]:
        desk.hear(worker, beating.about.said)
        return desk.beat(worker, leases)

    kept = set(await sync_to_thread(renew))
    return _told(
        200,
        keep=[vars(each) for each in leases if each in kept],
        stop=[vars(each) for each in leases if each not in kept],
        drain=worker.draining,
    )


@put("/worker/v1/blob/{sha256:str}", opt=_WORK, request_max_body_size=_MOST_BYTES)
async def blob(
    request: AnyRequest,
    sha256: FromPath[str],
) -> Response[Any]:
    """Evidence of a job that is held: 201, 200 where it is here, 409 where the lease is lost, 413."""
    desk, worker, lease = _desk(request), _worker(request), _lease_of(request)
    if _SHA256.fullmatch(sha256) is None:
        raise HTTPException("this is no digest", status_code=400)
    try:
        most = await sync_to_thread(lambda: desk.most_bytes(worker, lease))
    except LeaseLost:
        await _body(request, 0)
        return _told(409, error="lease lost")
    raw = await _body(request, most)
    if raw is None:
        return _told(413, error=f"an attempt may leave {most} bytes")
    try:
        there = await sync_to_thread(lambda: desk.send(worker, lease, sha256, raw))
    except EvidenceError as error:
        return _told(422, error=error.what)
    return _told(200 if there else 201)


async def _body(request: AnyRequest, most: int) -> bytes | None:
    """What is sent, read to its end so that the answer is heard; None, and nothing kept, where it is more."""
    raw, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            raw += part
    return bytes(raw) if size <= most else None


@post("/worker/v1/finish", opt=_WORK, status_code=200)
async def finish(request: AnyRequest) -> Response[Any]:
    """Ends jobs, each with a status of its own; see `_ended`."""
    finishing = await _read(request, _Finish)
    desk, worker = _desk(request), _worker(request)
    ends = [End(each.lease, each.evidence, each.content) for each in finishing.ends]
    ended = await sync_to_thread(lambda: desk.finish_all(worker, ends))
    return _told(200, ended=[_ended(request, each) for each in ended])


def _ended(request: AnyRequest, ended: Ended | Exception) -> dict[str, Any]:
    """Recorded, or recorded before; 404 where the evidence is to be sent first; 409; 422; 503 later again."""
    match ended:
        case Ended():
            return {"status": 200, "recorded": "before" if ended.again else "now"}
        case LeaseLost():
            return {"status": 409, "error": "lease lost"}
        case NotSent():
            return {"status": 404, "error": "this evidence is not here"}
        case EvidenceError():
            return {"status": 422, "error": ended.what}
        case StoreUnavailable():
            return {"status": 503, "error": ended.what}
    log_failure(request.scope, ended)
    return {"status": 500, "error": "something went wrong here"}


@post("/worker/v1/fail", opt=_WORK, status_code=200)
async def fail(request: AnyRequest) -> Response[Any]:
    """Lets others have a job that this worker could not run, or was stopped at."""
    failed = await _read(request, _Fail)
    desk, worker = _desk(request), _worker(request)
    try:
        if failed.reason:
            await sync_to_thread(lambda: desk.fail(worker, failed.lease, failed.reason))
        else:
            await sync_to_thread(lambda: desk.give_back(worker, failed.lease))
    except LeaseLost:
        return _told(409, error="lease lost")
    return _told(200)


ROUTES = (claim, work, beat, blob, finish, fail)
