"""What the newest verdicts say of lateness, as it is kept beside the standing."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.rubric.model import LatePolicy
from grader.store.moments import of_moment
from grader.store.standing_tables import PolicyRow

__all__ = ["kept_policies", "read_policy", "token_rules"]

_POLICIES = select(PolicyRow.assignment, PolicyRow.late).order_by(PolicyRow.assignment)


@lru_cache(maxsize=64)
def read_policy(late: str) -> LatePolicy | None:
    """A policy as it is kept; None for none."""
    return LatePolicy.model_validate_json(late) if late else None


def kept_policies(session: Session) -> dict[str, LatePolicy]:
    """By assignment, of those that have one."""
    kept = session.execute(_POLICIES)
    return {name: policy for name, late in kept if (policy := read_policy(late))}


def token_rules(session: Session, assignment: str) -> tuple[tuple[str, str], ...]:
    """By what late tokens are spent, as texts to compare: of each assignment its rule.

    Nothing where the assignment takes none: then no row about another assignment moves a mark on it.
    """

    def ask() -> tuple[tuple[str, str], ...]:
        rules = tuple((name, late) for name, late in session.execute(_POLICIES))
        own = read_policy(dict(rules).get(assignment, ""))
        return rules if own is not None and own.tokens else ()

    return of_moment(session, ("token rules", assignment), ask)
