"""Leases: a claim holds for some seconds by the database's clock, and no other clock is asked.

Who holds one says so again before it lapses. Where nobody does, the process that did is gone, cut off or
stuck: whichever it is, the work is free, and an end that it tells later bears an old token and is refused.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Double, and_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["BEATS", "LEASE_S", "LONGEST_LEASE_S", "database_now", "holds", "lapsed"]

#: How long a claim holds without a word from its holder.
LEASE_S = 30.0
#: No lease may be longer; one that seems to be was given before the database's clock was set back.
LONGEST_LEASE_S = 600.0
#: How often within a lease its holder says so again: two beats may be lost.
BEATS = 3


class database_now(FunctionElement[float]):  # noqa: N801, written like SQL's own functions
    """Seconds since 1970 by the database's clock, at the moment of the statement."""

    type = Double()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _postgresql(*_: Any, **__: Any) -> str:
    # Not now(), which stands still in a transaction that waited for a lock.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"


def holds(lease_until: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a lease still holds."""
    return and_(lease_until > database_now(), lease_until <= database_now() + LONGEST_LEASE_S)


def lapsed(lease_until: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    return or_(lease_until <= database_now(), lease_until > database_now() + LONGEST_LEASE_S)
