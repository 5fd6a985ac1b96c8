"""What students are told by mail, written in the transaction of what it tells. No mark stands in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from grader.intake.roster import keys_typed
from grader.reporting.letter import mail_address
from grader.reporting.text import clean
from grader.store import WritableHistory
from grader.store.mails import NewMail
from grader.store.roster import PersonRecord
from grader.workflows.views.identity import ids_of

__all__ = ["Came", "tell_answered", "tell_handed_in", "tell_released"]


def tell_released(history: WritableHistory, assignment: str, students: Collection[str], at: datetime) -> int:
    """That marks are there to read; once for each student and assignment.

    Returns:
        How many mails were written.
    """
    about = {student: f"released {assignment} {student}" for student in students}
    text = f"Your marks and the feedback on {assignment} are there to read."
    return _post(history, about, f"{assignment}: marks are released", text, at)


def tell_answered(history: WritableHistory, assignment: str, student: str, request: int, at: datetime) -> int:
    """That a remark request is answered; once for each request."""
    about = {student: f"answered {request}"}
    text = f"Your remark request on {assignment} is answered."
    return _post(history, about, f"{assignment}: your remark request is answered", text, at)


@dataclass(frozen=True)
class Came:
    """A file that came, with its receipt's number and digest."""

    assignment: str
    student: str
    receipt: int
    digest: str
    at: datetime


def tell_handed_in(history: WritableHistory, came: Sequence[Came]) -> None:
    """That files came."""
    if history.mailing() is None:
        return
    for each in came:
        about = {each.student: f"handed in {each.receipt}"}
        text = f"Your file for {each.assignment} is here. Receipt {each.receipt}, SHA-256 {each.digest}."
        _post(history, about, f"{each.assignment}: your file is here", text, each.at)


def _post(history: WritableHistory, about: Mapping[str, str], subject: str, text: str, at: datetime) -> int:
    """A mail to each student of whom the roster has an address; nothing where the course sends none."""
    mailing = history.mailing()
    if mailing is None:
        return 0
    addresses = {
        name: person.email.strip()
        for person in _people(history, about)
        if mail_address(person.email) is not None
        for name in ids_of(person)
        if name in about
    }
    link = f"\n\n{mailing.link}" if mailing.link else ""
    new = [
        NewMail(about[student], student, address, " ".join(clean(subject).split()), f"{clean(text)}{link}\n")
        for student, address in addresses.items()
    ]
    return history.post_mails(new, at)


def _people(history: WritableHistory, students: Iterable[str]) -> list[PersonRecord]:
    """Who of the roster may be one of these, without reading all of it."""
    keys = {key for student in students for key in keys_typed(student) if key.startswith("id ")}
    found = history.people_by(keys)
    return [person for key in sorted(keys) for person in found.get(key, ())]
