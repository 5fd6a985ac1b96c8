"""Who asks, once the guard has let them through: what every page needs of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from litestar.exceptions import NotAuthorizedException, NotFoundException

from grader.store import Store
from grader.store.limited import LimitedStore
from grader.web.roles import Role, grades_blind, is_limited
from grader.web.site import AnyRequest, Site, server_of, site_of
from grader.workflows.views.identity import is_pseudonym

__all__ = ["Asking", "asking", "of_one_moment", "page_number"]

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Asking:
    """Somebody who is signed in, in the course that they ask about.

    Attributes:
        name: As the history writes it.
        blind: Whether students go by pseudonyms for them.
    """

    site: Site
    name: str
    role: Role

    @property
    def store(self) -> Store:
        """The course as far as they may see it: all that a page shows is read through it."""
        return self._limited() if is_limited(self.role) else self.site.store

    def own_share(self, assignment: str) -> Store | None:
        """An assignment as far as it is theirs to grade; None where their share has no work in it."""
        store = self._limited()
        return store if store.has_work(assignment) else None

    def walks(self, assignment: str) -> list[Store]:
        """Where they are led from one to the next: through their own share first."""
        own = None if is_limited(self.role) else self.own_share(assignment)
        return [self.store] if own is None else [own, self.store]

    def moment(self) -> AbstractContextManager[None]:
        """Lets a page be of one moment: what it reads of the course meanwhile agrees, in one transaction."""
        return self.site.store.moment()

    def _limited(self) -> LimitedStore:
        return self.site.limited.setdefault(self.name, LimitedStore(self.site.store, self.name))

    @property
    def blind(self) -> bool:
        return grades_blind(self.role)

    def named(self, typed: str) -> str:
        """A student as an address or a form names them.

        Who grades blind names them by pseudonym alone: an id that was known already would tell whose
        pseudonym it is.

        Raises:
            NotFoundException: It is none.
        """
        if self.blind and not is_pseudonym(typed):
            raise NotFoundException
        return typed


def asking(request: AnyRequest) -> Asking:
    """Who asks.

    Raises:
        NotAuthorizedException: Nobody is signed in.
        NotFoundException: They are not in this course, or there is none.
    """
    site, session = site_of(request), server_of(request).session_of(request)
    if session is None:
        raise NotAuthorizedException("nobody is signed in here")
    role = session.role_in(site.course.name)
    if role is None:
        raise NotFoundException
    return Asking(site, session.name, role)


def of_one_moment(page: Callable[..., AnswerT]) -> Callable[..., AnswerT]:
    """Lets a page of a course be of one moment: all that it reads agrees, in one transaction."""

    @wraps(page)
    def answered(request: AnyRequest, **asked: Any) -> AnswerT:
        with site_of(request).store.moment():
            return page(request, **asked)

    return answered


def page_number(request: AnyRequest) -> int:
    """Which page of a list is asked for; the first where that is no number."""
    asked = request.query_params.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
