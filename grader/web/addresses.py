"""Addresses of ours. Those of a course lie below it, which no page has to remember."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import quote

__all__ = ["API_PATH", "COURSE_PATH", "COURSE_PATHS", "address", "below_course", "quoted", "server_address"]

#: Every page of a course lies below it.
COURSE_PATH = "/c/{course:str}"
#: What programs ask.
API_PATH = "/api/v1"
COURSE_PATHS = (COURSE_PATH, f"{API_PATH}/courses/{{course:str}}")

#: The course of the request that is being answered, set by the guard: a task and its threads have their own.
_course: ContextVar[str | None] = ContextVar("course", default=None)


def below_course(name: str | None) -> None:
    """From now on, and for this request alone, `address` leads below this course."""
    _course.set(name)


def address(*parts: str) -> str:
    """A path in the course of this request, its first page where there are no parts.

    Each part stays as it is, so that none of them can become two or leave its place.
    """
    course = _course.get()
    return server_address(*parts) if course is None else server_address("c", course, *parts)


def server_address(*parts: str) -> str:
    """A path of the server's own, below no course."""
    return "/" + "/".join(map(quoted, parts))


@lru_cache(maxsize=4096)
def quoted(part: str) -> str:
    """One part of a path."""
    return quote(part, safe="")
