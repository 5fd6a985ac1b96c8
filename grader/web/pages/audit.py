"""The audit: what `grader audit` says."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromQuery

from grader.web.asking import asking, of_one_moment
from grader.web.guards import permits
from grader.web.rendering import page
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.views.audited import prove as prove_again
from grader.workflows.views.audited import proved

__all__ = ["ROUTES"]


@get("/audit", opt=permits(Permission.AUDIT), sync_to_thread=True)
@of_one_moment
def audit(
    request: AnyRequest,
    prove: FromQuery[str] = "",
    expect: FromQuery[str] = "",
    evidence: FromQuery[str] = "",
) -> Response[str]:
    """The newest proof; a new one where it is asked for, since all rows are read for it."""
    store, expect = asking(request).store, expect.strip()
    rows, made = proved(store)
    if prove == "yes" or expect:
        made = prove_again(store, evidence=evidence == "yes", expect=expect)
    return page(request, "audit.html.j2", rows=rows, made=made, expect=expect, evidence=evidence == "yes")


ROUTES = (audit,)
