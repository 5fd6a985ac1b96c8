"""`grader person`: what is held about one person, given out, and erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from grader.errors import GraderError, RefusedError, StoreError, UsageError
from grader.files.named import write_bytes, write_text
from grader.intake.roster import keys_typed
from grader.rubric.problems import nearest
from grader.store import History, Signature, Store
from grader.store.erasing import HeldAbout, Said
from grader.store.hand_ins import HandInRecord
from grader.store.marks import BulkMarkRecord
from grader.store.records import AttemptRecord, Record, SubmissionRecord
from grader.store.remarks import Remark
from grader.store.timeline import TimelineEntry
from grader.workflows.views.identity import ids_of, real_names
from grader.workflows.views.telling import tell

__all__ = ["Blob", "Erased", "Person", "as_plain", "erase", "export", "find_person", "require_erasable"]

#: One letter or digit by itself is hardly a name.
_SEARCHED = 2
_WHY = "grader person erase"


@dataclass(frozen=True)
class Blob:
    """A file of a person beside the database.

    Attributes:
        what: notebook or evidence.
        bytes: As it lies there; None where it is gone.
    """

    what: str
    digest: str
    bytes: int | None


@dataclass(frozen=True)
class Person:
    """One person as the history and all beside it know them.

    Attributes:
        student: What they are called in it.
        also: Other names under which the roster's same person handed in something.
        erased: Whether they were erased; `student` is a label then.
        works: Rows of the history by assignment, oldest first.
        said: Sealed free text in which one of their names stands, whoever wrote it.
        requests: Remark requests that are open.
        rows: What is held beside the history, by table, without what signs somebody in.
    """

    student: str
    also: tuple[str, ...]
    erased: bool
    held: HeldAbout
    works: dict[str, list[TimelineEntry]]
    files: tuple[Blob, ...]
    said: tuple[Said, ...]
    requests: tuple[Remark, ...]
    rows: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Erased:
    """What an erasure did.

    Attributes:
        label: What the person is called from now on; empty where the history never named them.
        removed: How many notebooks and recordings are gone.
        scrubbed: Whether nothing of it is left in free space of the database either, as far as we can reach.
    """

    label: str
    removed: int
    scrubbed: bool


def find_person(store: Store, typed: str) -> Person:
    """All that is held about a person.

    Args:
        store: Where.
        typed: Id, pseudonym, login or name; or the label of somebody who was erased.

    Raises:
        UsageError: Nobody is called so, or several are.
    """
    with store.reading() as history:
        student = _student(history, typed)
        keys = _keys(student)
        held = history.held_about(student, keys)
        works = {
            assignment: history.timeline(student, assignment)
            for assignment in history.assignments()
            if history.timeline(student, assignment)
        }
        also = {name for person in held.people for name in ids_of(person) if history.handed_in(name)} - {
            student
        }
        requests = [remark for remark in history.remarks(student=student) if remark.state.is_open]
        erased = history.is_erased(student)
        said = [] if erased else history.said_of(_names(student, held))
        rows = {} if erased else history.rows_about(student, keys)
    return Person(
        student,
        tuple(sorted(also)),
        erased,
        held,
        works,
        tuple(_files(store, works)),
        tuple(said),
        tuple(requests),
        rows,
    )


def _student(history: History, typed: str) -> str:
    [student] = real_names(history, None, [typed])
    if not history.is_known(student) and not history.rows_about(student, _keys(student)):
        known = {each for work in history.assignments() for each in history.students(work)}
        hint = nearest(student, known).partition("; known")[0]
        raise UsageError(f"nothing is held about '{typed}'{hint}")
    return student


def _keys(student: str) -> set[str]:
    """Of their entries in the roster: an id is theirs, where a name may be another's as well."""
    return {key for key in keys_typed(student) if key.startswith("id ")}


def _names(student: str, held: HeldAbout) -> set[str]:
    """What a person may be called in free text."""
    names = {student}
    for person in held.people:
        names |= {person.name, person.last_name, person.student, person.login, person.email, person.number}
    return {name for name in (each.strip() for each in names) if len(name) >= _SEARCHED}


def _files(store: Store, works: dict[str, list[TimelineEntry]]) -> Iterator[Blob]:
    found: dict[str, str] = {}
    for entry in (entry for entries in works.values() for entry in entries):
        match entry.record:
            case SubmissionRecord(notebook=notebook) | HandInRecord(notebook=notebook):
                found.setdefault(notebook, "notebook")
            case AttemptRecord(notebook=notebook, evidence=evidence):
                found.setdefault(notebook, "notebook")
                found.setdefault(evidence, "evidence")
    for digest, what in found.items():
        yield Blob(what, digest, _size(store, digest))


def _size(store: Store, digest: str) -> int | None:
    try:
        return store.blobs.size(digest)
    except StoreError:
        return None


def require_erasable(person: Person, reason: str) -> None:
    """Refuses what would be half an erasure.

    Raises:
        RefusedError: Sealed rows hold the name, a request is open, or a notebook is being run.
        UsageError: There is no reason, or a name stands in it: it is sealed.
    """
    if not reason.strip():
        raise UsageError("erasing a person needs a reason for the history", expected="--reason TEXT")
    if named := sorted(name for name in _names(person.student, person.held) if _stands_in(name, reason)):
        raise UsageError(
            "a name of this person stands in the reason, which is sealed for ever",
            found=", ".join(named),
            todo="say it without the name, as --reason 'asked for by letter of 2 March'",
        )
    if person.held.sealed_by_name:
        raise RefusedError(
            f"{person.student}: rows of the history were sealed with this name, by a version without tokens;"
            " to change them would break the seal, and nothing was erased",
            todo="once the course's marks need not be kept any longer: note the newest seal down (`grader"
            " audit`), then destroy this database with its evidence and its backups. Marks that must stay:"
            " export them first, and take the names out of that file",
        )
    for remark in person.requests:
        raise RefusedError(
            f"{person.student}: remark request {remark.id} on {remark.assignment} is open",
            todo=f"settle it first: grader remark show {remark.id}",
        )
    if person.held.running:
        raise RefusedError(
            f"{person.student}: a notebook of theirs is being run now",
            todo="erase once that has ended, or stop that run",
        )


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def erase(store: Store, person: Person, reason: str, *, actor: str) -> Erased:
    """Erases a person; of one who was erased before, what was left behind.

    Raises:
        RefusedError: As `require_erasable`, where it came to be so meanwhile.
        UsageError: There is no reason, or a name stands in it.
        StoreError: A file cannot be removed: the names are gone then, and the same command goes on.
    """
    label = person.student
    if not person.erased:
        with store.writing() as history:
            student = person.student
            now = history.held_about(student, _keys(student))
            asked = [remark for remark in history.remarks(student=student) if remark.state.is_open]
            found = Person(student, (), False, now, {}, (), (), tuple(asked))
            require_erasable(found, reason)
            signature = Signature(actor, store.clock(), _WHY)
            label = history.erase(student, reason.strip(), _keys(student), signature)
    removed = store.remove_erased()
    return Erased(label, removed, store.scrub())


def as_plain(person: Person) -> dict[str, Any]:
    """All of it as plain data, for `--json` and for the person."""
    return {
        "student": person.student,
        "also": list(person.also),
        "erased": person.erased,
        "roster": [dict(each.columns) for each in person.held.people],
        "accounts": list(person.held.accounts),
        "sent_to": list(person.held.sent),
        "works": [
            {"assignment": name, "rows": _rows(entries, person.student)}
            for name, entries in person.works.items()
        ],
        "files": [asdict(blob) for blob in person.files],
        "jobs": person.held.jobs,
        "answers": person.held.answers,
        "mails": person.held.mails,
        "beside": {table: _plain(rows) for table, rows in person.rows.items()},
        "pre_checks": person.held.pre_checks,
        "named_in": [asdict(each) for each in person.said],
    }


def _rows(entries: list[TimelineEntry], student: str) -> list[dict[str, Any]]:
    """Each row in words, and what it holds."""
    told = tell(entries, student, student)
    return [
        {**line.plain(), "holds": _plain(asdict(_own_part(entry.record, student)))}
        for line, entry in zip(told, entries, strict=True)
    ]


def _own_part(record: Record, student: str) -> Record:
    """A decision about several says of others what is none of this person's business."""
    if not isinstance(record, BulkMarkRecord):
        return record
    return replace(record, about=tuple(each for each in record.about if each.student == student))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case _:
            return value


def export(store: Store, person: Person, folder: Path) -> list[str]:
    """Writes all that is held about a person into a new folder: rows as JSON, notebooks, recordings.

    Of a decision about several at once only their own part is written.

    Returns:
        What could not be read, a line each.

    Raises:
        UsageError: The folder is there, or cannot be written.
    """
    if folder.exists():
        raise UsageError("there is something of this name already", where=str(folder), todo="name another")
    lacking = []
    for blob in person.files:
        try:
            raw = store.file(blob.digest)
        except GraderError as error:
            lacking.append(f"{blob.what} {blob.digest[:12]}: {error.what}")
            continue
        kind = "ipynb" if blob.what == "notebook" else "evidence"
        write_bytes(folder / f"{blob.what}-{blob.digest[:16]}.{kind}", raw)
    write_text(folder / "person.json", json.dumps(as_plain(person), indent=2, ensure_ascii=True) + "\n")
    return lacking
