"""Near copies, for instructors to look at: a list of pairs, and the two of one pair side by side."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from grader.web.asking import Asking, asking
from grader.web.forms import Form
from grader.web.guards import permits
from grader.web.jobs import Job
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.desk.similar import LEAST_SHARE, SimilarPair, look_for_near_copies

__all__ = ["ROUTES"]

_KIND = "near copies"
_WAIT_S = 1.0
#: Shares to choose from, in percent.
_SHARES = (30, 40, 50, 60, 70, 80, 90)


@get("/a/{assignment:str}/similar", opt=permits(Permission.READ_SIMILAR), sync_to_thread=True)
def similar(
    request: AnyRequest,
    assignment: FromPath[str],
    job: FromQuery[str] = "",
    left: FromQuery[str] = "",
    right: FromQuery[str] = "",
) -> Response[str]:
    """What the page is for, how far a look is, or the pairs that it found, one of them side by side."""
    who = asking(request)
    found = _find(who, assignment, job)
    chosen = _chosen(found, left, right)
    return page(
        request,
        "similar.html.j2",
        assignment=assignment,
        job=found,
        lost=bool(job) and found is None,
        chosen=chosen,
        beside=_beside(assignment, chosen) if chosen else "",
        code=f"{address('untrusted', 'a', assignment, 'compare')}?{_two(chosen)}" if chosen else "",
        pair_address=lambda pair: f"{_page(assignment, job=job, left=pair.left, right=pair.right)}#pair",
        least=round(100 * LEAST_SHARE),
        shares=_SHARES,
    )


@post("/a/{assignment:str}/similar/look", opt=permits(Permission.READ_SIMILAR), sync_to_thread=True)
def look(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Compares every two works, in the background."""
    who, asked = asking(request), form.whole("least")
    least = (asked if asked in _SHARES else round(100 * LEAST_SHARE)) / 100
    job = who.site.jobs.start(
        who.name,
        _KIND,
        assignment,
        lambda told: look_for_near_copies(who.store, assignment, told=told, least_share=least),
        wait_s=_WAIT_S,
    )
    return see_other(_page(assignment, job=job.id))


def _find(who: Asking, assignment: str, id: str) -> Job | None:
    job = who.site.jobs.find(id, who.name) if id else None
    return job if job is not None and (job.kind, job.about) == (_KIND, assignment) else None


def _chosen(job: Job | None, left: str, right: str) -> SimilarPair | None:
    pairs = job.result.pairs if job is not None and job.result is not None else ()
    return next((pair for pair in pairs if (pair.left, pair.right) == (left, right)), None)


def _two(pair: SimilarPair) -> str:
    return urlencode({"left": pair.left, "right": pair.right})


def _beside(assignment: str, pair: SimilarPair) -> str:
    """The page on which all of both works stands."""
    return f"{address('a', assignment, 'compare')}?{_two(pair)}"


def _page(assignment: str, **query: str) -> str:
    return f"{address('a', assignment, 'similar')}?{urlencode(query)}"


ROUTES = (similar, look)
