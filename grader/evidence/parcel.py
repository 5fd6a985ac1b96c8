"""What a worker on another machine is sent of a job: notebook, files beside it, and the plan. Nothing else.

A parcel is one line of JSON, which says how long each part is, and then the parts. It names no student and no
rubric; equal work gives equal bytes, so that its digest is known before it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import EvidenceError
from grader.evidence.plan import Plan

__all__ = ["MOST_BYTES", "Parcel", "pack_parcel", "unpack_parcel"]

#: No parcel is larger: a notebook and what lies beside it were taken under smaller caps.
MOST_BYTES = 256 * 1024 * 1024


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: Plan
    notebook: int = Field(ge=0)
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Parcel:
    """One job's work.

    Attributes:
        notebook: The clean copy of it.
        files: Content of files beside it, by path relative to its folder.
    """

    plan: Plan
    notebook: bytes
    files: tuple[tuple[str, bytes], ...]


def pack_parcel(parcel: Parcel) -> bytes:
    """Joins all of it."""
    head = _Head(
        plan=parcel.plan,
        notebook=len(parcel.notebook),
        files=tuple((path, len(content)) for path, content in parcel.files),
    )
    parts = (parcel.notebook, *(content for _, content in parcel.files))
    return b"".join([head.model_dump_json().encode(), b"\n", *parts])


def unpack_parcel(raw: bytes) -> Parcel:
    """Splits what `pack_parcel` joined.

    Raises:
        EvidenceError: These bytes are none of it, their lengths do not add up, or a file of it would lie
            elsewhere.
    """
    line, _, rest = raw.partition(b"\n")
    try:
        head = _Head.model_validate_json(line)
    except ValidationError as error:
        raise EvidenceError("these bytes are no work of ours", found=str(error)[:200]) from error
    names = [path for path, _ in head.files]
    if not all(map(_is_below, names)) or len(set(names)) < len(names):
        raise EvidenceError(
            "a file of this work has no place below the notebook's folder", found=str(names)[:200]
        )
    sizes = [head.notebook, *(size for _, size in head.files)]
    if min(sizes) < 0 or sum(sizes) != len(rest):
        raise EvidenceError("work is cut short", expected=f"{sum(sizes)} bytes", found=f"{len(rest)} bytes")
    parts, place = [], 0
    for size in sizes:
        parts.append(rest[place : place + size])
        place += size
    files = tuple((path, content) for (path, _), content in zip(head.files, parts[1:], strict=True))
    return Parcel(head.plan, parts[0], files)


def _is_below(path: str) -> bool:
    """Whether a path leads to one place below a folder, on every system."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not set(path) & {"\\", "\0"}
