"""All routes of the API, and their description for programs that read it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Response, get

from grader.web.addresses import API_PATH
from grader.web.api import classes, courses, marks, own, proofs, remarks, rubrics
from grader.web.api.described import describe
from grader.web.guards import permits
from grader.web.roles import Permission

__all__ = ["ROUTES", "SERVER_ROUTES", "document"]


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The API in OpenAPI 3.1."""
    return describe(SERVER_ROUTES, ROUTES)


@get(
    f"{API_PATH}/openapi.json",
    operation_id="getDescription",
    summary="This description",
    tags=["about"],
    opt=permits(Permission.PUBLIC),
    sync_to_thread=True,
)
def openapi() -> Response[dict[str, Any]]:
    """The API in OpenAPI 3.1; nothing of any course is in it."""
    return Response(msgspec.json.encode(document()), media_type="application/json")  # type: ignore[arg-type]


#: Below no course.
SERVER_ROUTES = (openapi, *courses.SERVER_ROUTES)

#: Below a course.
ROUTES = (
    *courses.ROUTES,
    *rubrics.ROUTES,
    *marks.ROUTES,
    *remarks.ROUTES,
    *classes.ROUTES,
    *own.ROUTES,
    *proofs.ROUTES,
)
