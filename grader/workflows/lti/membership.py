"""`grader lti roster`: who is in the platform's course, laid into the roster that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader.errors import RefusedError
from grader.intake.identity import normalise_id
from grader.intake.roster import RosterEntry, keys_typed, roster_from
from grader.store import Store
from grader.store.platforms import ContextRecord
from grader.workflows.accounts.roles import Role
from grader.workflows.desk.roster import keep_roster, roster_of
from grader.workflows.lti.persons import role_told
from grader.workflows.lti.roster_ids import Ids, ids_in
from grader.workflows.lti.services import Services

__all__ = ["Member", "Members", "contexts_of", "fetch_members", "keep_members", "lay_beside"]

#: Makes services of a platform, by its name.
ServicesOf = Callable[[str], Services]


@dataclass(frozen=True)
class Member:
    """A student of the platform's course.

    Attributes:
        subject: How the platform calls them.
    """

    subject: str
    ids: Ids
    name: str
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Members:
    """What the platform's courses come to beside the roster.

    Attributes:
        entries: The whole roster as it would be kept.
        new: Who would be added.
        filled: Of whom something would be added that the roster lacks.
        gone: Who is on the roster and in none of the platform's courses; they stay on it.
        problems: Members who may be several on the roster, or whom nothing names; one line each.
    """

    entries: tuple[RosterEntry, ...]
    new: tuple[RosterEntry, ...]
    filled: tuple[RosterEntry, ...]
    gone: tuple[RosterEntry, ...]
    problems: tuple[str, ...]


def contexts_of(home: Store, course: str, assignment: str = "") -> list[ContextRecord]:
    """Platforms' courses that are connected with one of ours.

    Args:
        home: The home course's store.
        course: Ours.
        assignment: Only those with a column for its marks; empty for all.

    Raises:
        RefusedError: There are none.
    """
    found = home.platforms.contexts(course=course)
    if assignment:
        found = [each for each in found if home.platforms.line_item(each.platform, each.context, assignment)]
    if not found:
        raise RefusedError(
            "no course of a platform is connected with this one",
            where=f"{course}, {assignment}" if assignment else course,
            todo="`grader lti connect NAME ID`, then open the tool from the platform's course once",
        )
    return found


def fetch_members(contexts: Sequence[ContextRecord], services: ServicesOf) -> list[Member]:
    """The students of the platform's courses, each once.

    Raises:
        RefusedError: A course has told no address to ask at yet.
        PlatformError: A platform refuses.
    """
    found: dict[tuple[str, str], Member] = {}
    for context in contexts:
        if not context.memberships:
            raise RefusedError(
                "the platform has not told where its members are asked for",
                where=f"{context.platform}, course {context.context}",
                todo="let it (Names and Role Provisioning), and open the tool from its course once",
            )
        for each in services(context.platform).members(context.memberships):
            member = _member(each)
            if member is not None:
                found[context.platform, member.subject] = member
    return list(found.values())


def _member(told: Mapping[str, Any]) -> Member | None:
    """A student who is in the course now; None for anybody else."""
    roles, subject = told.get("roles"), _text(told, "user_id")
    known = [each for each in roles if isinstance(each, str)] if isinstance(roles, list) else []
    if not subject or role_told(known) is not Role.STUDENT or told.get("status", "Active") != "Active":
        return None
    email = told.get("email")
    custom = told.get("custom")
    ids = ids_in(
        {"person_sourcedid": told.get("lis_person_sourcedid")},
        {"user_username": told.get("ext_user_username")},
        custom if isinstance(custom, dict) else None,
        email if isinstance(email, str) else None,
    )
    name, first, last = (_text(told, key) for key in ("name", "given_name", "family_name"))
    return Member(subject, ids, name, first, last)


def _text(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    return value.strip() if isinstance(value, str) else ""


class _Places:
    """Where on a roster somebody may be."""

    def __init__(self, entries: Sequence[RosterEntry]) -> None:
        self._firm: dict[str, list[int]] = defaultdict(list)
        self._email: dict[str, list[int]] = defaultdict(list)
        for at, entry in enumerate(entries):
            self.add(at, entry)

    def add(self, at: int, entry: RosterEntry) -> None:
        for key in _keys((entry.student, entry.login, entry.number, entry.canvas_id)):
            self._firm[key].append(at)
        if entry.email:
            self._email[entry.email.casefold()].append(at)

    def of(self, ids: Ids) -> list[int]:
        """By firm ids, else by the whole address."""
        firm = {at for key in _keys(ids.firm) for at in self._firm.get(key, ())}
        return sorted(firm) or list(self._email.get(ids.email, ()))


def _keys(ids: Iterable[str]) -> set[str]:
    return {key for id in ids if id for key in keys_typed(id) if key.startswith("id ")}


def lay_beside(store: Store, members: Sequence[Member]) -> Members:
    """What the roster would become."""
    kept = roster_of(store)
    entries = list(kept.entries) if kept else []
    places, taken = _Places(entries), set[int]()
    new: list[RosterEntry] = []
    filled: list[RosterEntry] = []
    problems: list[str] = []
    for member in members:
        at = places.of(member.ids)
        if len(at) > 1 or (at and at[0] in taken):
            problems.append(f"{_shown(member)} may be several students of the roster")
        elif at:
            taken.update(at)
            better = _filled(entries[at[0]], member)
            if better != entries[at[0]]:
                entries[at[0]] = better
                filled.append(better)
        elif (entry := _entry(member, len(entries) + 1)) is None:
            problems.append(f"{_shown(member)} has no number, login or address that the platform tells")
        else:
            taken.add(len(entries))
            places.add(len(entries), entry)
            entries.append(entry)
            new.append(entry)
    gone = tuple(entry for at, entry in enumerate(entries) if at not in taken)
    shared = roster_from(entries).problems
    return Members(tuple(entries), tuple(new), tuple(filled), gone, (*problems, *shared))


def _filled(entry: RosterEntry, member: Member) -> RosterEntry:
    """With what the roster lacks; what it says stays."""
    told: dict[str, Any] = {
        name: text for name, text in _told(member).items() if text and not getattr(entry, name)
    }
    return replace(entry, **told)


def _entry(member: Member, line: int) -> RosterEntry | None:
    """Called as a roster in a file would call them: by login, number or address, whichever there is."""
    ids = member.ids
    student = next(filter(None, (ids.login, ids.number, ids.canvas_id, ids.email)), "")
    return RosterEntry(student=normalise_id(student), line=line, **_told(member)) if student else None


def _told(member: Member) -> dict[str, str]:
    return {
        "name": member.name,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "email": member.ids.email,
        "number": member.ids.number,
        "login": member.ids.login,
        "canvas_id": member.ids.canvas_id,
    }


def _shown(member: Member) -> str:
    return member.name or member.subject


def keep_members(store: Store, members: Members) -> int:
    """Keeps the roster as it would become.

    Returns:
        How many students are on it.
    """
    return len(keep_roster(store, roster_from(list(members.entries))).people)
