"""Certainty as a type: what the record says, or why it does not say it.

A check may take points off, or give them, only on `Known`: `Judgement.failed` and its like ask for one, so
that a fact which may be `Unknown` is refused by the type checker until the check has said what happens then.
Only this package makes `Known` values; a check derives others by `map`, `both` and `every`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

__all__ = ["Fact", "Known", "Unknown", "both", "every", "sure"]

T = TypeVar("T")
U = TypeVar("U")
Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True)
class Known(Generic[Value]):
    """Something that the record says."""

    value: Value

    def map(self, derive: Callable[[Value], U]) -> Known[U]:
        """What follows from it for certain."""
        return Known(derive(self.value))


@dataclass(frozen=True)
class Unknown:
    """Something that the record does not say.

    Attributes:
        why: In a clause that goes on from "it is not known", as ``the list of layers was cut``.
    """

    why: str


Fact: TypeAlias = Known[T] | Unknown


def both(one: Fact[T], other: Fact[U]) -> Fact[tuple[T, U]]:
    """Two facts as one; unknown where either is."""
    if isinstance(one, Unknown):
        return one
    return other if isinstance(other, Unknown) else Known((one.value, other.value))


def every(facts: Iterable[Fact[T]]) -> Fact[tuple[T, ...]]:
    """All of them as one; unknown where any is."""
    values: list[T] = []
    for fact in facts:
        if isinstance(fact, Unknown):
            return fact
        values.append(fact.value)
    return Known(tuple(values))


def sure(fact: Fact[T]) -> Known[T] | None:
    """The fact where it is known and true (or not empty, not zero); None in all other cases."""
    return fact if isinstance(fact, Known) and fact.value else None
