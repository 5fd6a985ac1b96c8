"""A file that comes by a form: read piece by piece into a file without a name, never into memory.

Such a form has two fields in this order, its token and the file, which comes several times where several are
chosen. The guard reads the first before anything else of it is looked at; the page then goes on from there.
What is too long, too slow, has other fields or breaks off is refused, and nothing of it stays: a file without
a name goes with whoever has it open.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from litestar.exceptions import HTTPException, PermissionDeniedException
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from grader.web.forms import FormError
from grader.web.site import AnyRequest, server_of

__all__ = ["FIELD", "TOKEN", "UploadError", "Uploaded", "begin_upload", "is_upload", "uploaded", "uploads"]

TOKEN = "form_token"  # noqa: S105 - the name of a field
FIELD = "file"

_UPLOAD = "upload"
_KEPT = "grader_upload"
#: Beside the files: boundaries, headers of parts, the token.
_FRAME_BYTES = 128 * 1024
#: Of photos, a class is asked for some thirty.
_MOST_FILES = 300
_TOKEN_BYTES = 4096
#: So long without a byte, and so slow on the whole, is nobody who sends a notebook.
_SILENCE_S, _START_S, _SLOWEST_BYTES_S = 20.0, 30.0, 8 * 1024
#: Of a file that is too long so much is read on, and for so long, that its sender hears why.
_DRAINED_BYTES, _DRAINED_S = 32 * 1024**2, 5.0

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMED = re.compile(r";\s*([^\s=;]+)\s*=")

#: The head of a part, some of its bytes, or None at its end: the parser has no types.
_Event = Any


class UploadError(FormError):
    """A file that did not come whole; `status` is of the answer."""

    def __init__(self, what: str, status: int = 422, **parts: str) -> None:
        super().__init__(what, **parts)
        self.status = status


@dataclass(frozen=True)
class Uploaded:
    """What came.

    Attributes:
        content: All files one after another, open and without a name; gone once it is closed.
        files: Name and length of each, in their order. A name is as its sender wrote it, untouched: a word,
            never a path of ours.
        at: When the last byte was here.
    """

    content: IO[bytes]
    files: tuple[tuple[str, int], ...]
    at: datetime


@dataclass
class _Coming:
    """A form whose token was read and whose file comes next."""

    events: AsyncGenerator[_Event, None]
    chunks: AsyncGenerator[bytes, None]


def uploads() -> dict[str, Any]:
    """What a route declares beside its permission: its form brings a file."""
    return {_UPLOAD: True}


def is_upload(opt: dict[str, Any]) -> bool:
    return opt.get(_UPLOAD) is True


async def begin_upload(request: AnyRequest, is_own: Callable[[str], bool]) -> None:
    """Reads a form as far as its token.

    Args:
        request: Whose body nobody has read.
        is_own: Whether a token is the right one.

    Raises:
        PermissionDeniedException: It is another's or missing.
        UploadError: The form cannot be read, or is too long by what it says itself.
    """
    limit = server_of(request).upload_bytes
    chunks = _chunks(request, limit + _FRAME_BYTES)
    events = _events(request, chunks, limit)
    token = bytearray()
    first = await _next(events)
    if isinstance(first, MultipartSegment) and first.name == TOKEN and first.filename is None:
        while (event := await _next(events)) is not None:
            token += event if isinstance(event, (bytes, bytearray)) else b""
            if len(token) > _TOKEN_BYTES:
                break
    if not is_own(token.decode("utf-8", "replace")):
        raise PermissionDeniedException("this form was not made by this server for you; load the page again")
    request.scope["state"][_KEPT] = _Coming(events, chunks)


@asynccontextmanager
async def uploaded(request: AnyRequest) -> AsyncIterator[Uploaded]:
    """The files of a form, whole, for as long as this is open.

    Raises:
        UploadError: They are too long, came too slowly, broke off, or something else came than files.
    """
    coming: _Coming = request.scope["state"].pop(_KEPT)
    limit = server_of(request).upload_bytes
    with tempfile.TemporaryFile(prefix="grader-upload-") as content:
        try:
            files = await _files(coming.events, content, limit)
        except UploadError as error:
            if error.status == 413:
                await _drain(coming.chunks)
            raise
        content.flush()
        yield Uploaded(content, files, server_of(request).home.store.clock())


async def _files(
    events: AsyncGenerator[_Event, None], content: IO[bytes], limit: int
) -> tuple[tuple[str, int], ...]:
    """Writes the files down; gives the name and length of each."""
    files: list[tuple[str, int]] = []
    part, size = await _next(events), 0
    while part is not None:
        if not isinstance(part, MultipartSegment) or part.name != FIELD or part.filename is None:
            what = "this form brings more than one file" if files else "this form brings no file"
            raise UploadError(what, expected="one file, or one zip with all")
        before = size
        while (event := await _next(events)) is not None:
            assert isinstance(event, (bytes, bytearray))
            size += len(event)
            if size > limit:
                raise _too_long(limit)
            content.write(event)
        files.append((str(part.filename), size - before))
        part = await anext(events, None)
    return tuple(files)


async def _next(events: AsyncGenerator[_Event, None]) -> _Event:
    try:
        return await anext(events)
    except StopAsyncIteration:
        raise UploadError("this form breaks off before its end", 400) from None


async def _events(
    request: AnyRequest, chunks: AsyncGenerator[bytes, None], limit: int
) -> AsyncGenerator[_Event, None]:
    """What the parser tells of each piece, to the end of the form."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise PermissionDeniedException("this form was not made by this server for you; load the page again")
    try:
        with PushMultipartParser(
            options["boundary"],
            max_segment_size=limit + _FRAME_BYTES,
            max_segment_count=1 + _MOST_FILES,
            strict=True,
        ) as parser:
            async for chunk in chunks:
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment) and not _is_named_once(event):
                        raise UploadError("a part of this form has two names", 400, expected="one name")
                    yield event
                if parser.closed:
                    return
    except MultipartError as error:
        raise UploadError("this form cannot be read, or breaks off before its end", 400) from error


def _is_named_once(part: MultipartSegment) -> bool:
    """Whether a part says once what it is called: of two names each reader would take another one."""
    said = [value for name, value in part.headerlist if name.lower() == "content-disposition"]
    named = _NAMED.findall(_QUOTED.sub('""', "".join(said)))
    return len(said) == 1 and len(named) == len({name.lower() for name in named})


async def _chunks(request: AnyRequest, limit: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes, as long as it comes fast enough and is not too long."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise _too_long(server_of(request).upload_bytes)
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0
    stream = request.stream()
    while True:
        left = min(_SILENCE_S, began + _START_S + size / _SLOWEST_BYTES_S - loop.time())
        try:
            chunk = await asyncio.wait_for(anext(stream, b""), max(0.0, left))
        except TimeoutError:
            raise UploadError("this file came too slowly, and was not taken", 408) from None
        except HTTPException as error:
            raise UploadError("this file breaks off before its end", 400) from error
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise _too_long(server_of(request).upload_bytes)
        yield chunk


async def _drain(chunks: AsyncGenerator[bytes, None]) -> None:
    """Reads on for a moment: a connection that is closed while its sender still sends tells them nothing."""
    size = 0
    try:
        async with asyncio.timeout(_DRAINED_S):
            async for chunk in chunks:
                size += len(chunk)
                if size > _DRAINED_BYTES:
                    return
    except (TimeoutError, UploadError):
        return


def _too_long(limit: int) -> UploadError:
    return UploadError(
        f"this file is larger than {limit / 1024**2:g} MB, and was not taken",
        413,
        expected="a notebook without large outputs (clear them and save), or photos of the size asked for",
    )
