"""What waits on one assignment, criterion by criterion, one's own share first."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from grader.errors import UsageError
from grader.web.asking import Asking, asking, of_one_moment
from grader.web.forms import Form
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission, is_limited, may
from grader.web.site import AnyRequest
from grader.workflows.desk.flags import flags_of
from grader.workflows.desk.waiting import Waiting, waiting
from grader.workflows.setting_up.sharing import can_be_taken, take_share
from grader.workflows.views.show import name_of

__all__ = ["ROUTES"]


@get("/a/{assignment:str}/waiting", opt=permits(Permission.READ_WORK), sync_to_thread=True)
@of_one_moment
def list_waiting(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    who = asking(request)
    left = can_be_taken(who.site.store, assignment) if may(who.role, Permission.MARK) else 0
    own = who.own_share(assignment)
    try:
        found = waiting(who.store, assignment)
    except UsageError:
        # Who may take a share is told so, and nothing else of the class.
        if not left:
            raise
        found = Waiting(assignment, (), ())
    return page(
        request,
        "waiting.html.j2",
        assignment=assignment,
        found=found,
        own=_beside_all(who, waiting(own, assignment)) if own is not None else None,
        left=left,
        at_it=lambda criterion: who.site.presence.others(who.name, assignment, criterion),
        flags=flags_of(who.store, assignment),
        name=name_of(who.store, who.blind),
    )


def _beside_all(who: Asking, own: Waiting) -> Waiting | None:
    """One's own share, where it is not all that is shown anyway."""
    return None if is_limited(who.role) else own


@post("/a/{assignment:str}/share/take", opt=permits(Permission.MARK), sync_to_thread=True)
def take(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Takes the next works that are nobody's, where the course hands out no shares."""
    who = asking(request)
    take_share(who.site.store, assignment, who.name)
    return see_other(address("a", assignment, "waiting"))


ROUTES = (list_waiting, take)
