"""The mails of a course: what went out, what did not and why, and trying it again."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from grader.web.asking import asking
from grader.web.forms import Form
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.mailing.outbox import outbox_view, try_again

__all__ = ["ROUTES"]


@get("/mails", opt=permits(Permission.READ_PEOPLE), sync_to_thread=True)
def mails(request: AnyRequest) -> Response[str]:
    return page(request, "mails.html.j2", found=outbox_view(asking(request).store))


@post("/mails/retry", opt=permits(Permission.SET_UP), sync_to_thread=True)
def retry(request: AnyRequest, form: NamedDependency[Form]) -> Response[Any]:
    """Has what did not go out be tried once more."""
    try_again(asking(request).store)
    return see_other(address("mails"))


ROUTES = (mails, retry)
