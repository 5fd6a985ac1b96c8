"""Finds every student's submission in a folder or archive, in whatever layout it has."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from grader.errors import IntakeError, SubmissionError
from grader.evidence.record import NOTHING_CAME
from grader.grading.held import TO_DO
from grader.intake.archive import archive_entries
from grader.intake.beside import read_beside
from grader.intake.entries import Entry, is_litter, unreadable
from grader.intake.folder import folder_entries, is_link, read_file
from grader.intake.identity import look_alikes, normalise_id, odd_characters
from grader.intake.layouts import LAYOUTS, Layout, Owner
from grader.intake.model import Intake, Submission
from grader.intake.text import visible
from grader.intake.unpack import holds_notebook

__all__ = ["AssignmentOf", "find_submissions", "format_names"]

#: Tells by a notebook's bytes which assignment it is for, None where it cannot.
AssignmentOf = Callable[[bytes], str | None]

_HAND_IN_ONE = f"; {TO_DO}hand in one notebook, the one that counts"
_Owned = tuple[Owner, Entry]
_Rank = TypeVar("_Rank", datetime, int)
#: Files of a student without a notebook that are opened to look for one.
_MOST_TRIED = 50
_MOST_NAMED = 10
_NO_NOTEBOOK = frozenset({".png", ".jpg", ".jpeg", ".gif", ".npy", ".npz", ".pt", ".pth", ".csv", ".mp4"})
_COURSE_FILES = frozenset({".toml", ".yaml", ".yml", ".csv", ".db", ".db-wal", ".db-shm", ".md", ".txt"})


def find_submissions(
    path: Path, *, format: str | None = None, assignment_of: AssignmentOf | None = None
) -> Intake:
    """Finds who handed in what.

    Of several notebooks of one student the newest by the format's own time or attempt number counts; where
    the format does not say, the student's row has a problem that names them all.

    Args:
        path: A folder, a zip archive, or one notebook.
        format: Name of a layout; None recognises it.
        assignment_of: Where given, a student's notebooks for different assignments are kept apart.

    Raises:
        IntakeError: There is nothing at `path`, no notebook in it, or it is not laid out as `format` says.
    """
    entries = _entries(path)
    handed_in = [entry for entry in entries if not is_litter(entry.inside)]
    ignored = len(entries) - len(handed_in)
    layout, kept = _layout([*handed_in, *_left_empty(entries, handed_in)], format, path)
    layout.prepare(kept)
    owned = [(owner, entry) for entry in kept for owner in layout.owners(entry)]
    if not _worth_a_row(owned, named=format is not None):
        raise _nothing_found(path, kept)
    submissions = [
        submission for files in _by_student(owned) for submission in _submissions(files, assignment_of)
    ]
    submissions.sort(key=lambda submission: (submission.student, submission.path))
    problems = [*_strays(kept, layout), *_litter_note(ignored)]
    return _with_look_alikes(Intake(tuple(submissions), layout.name, tuple(problems)))


def _left_empty(entries: Sequence[Entry], handed_in: Sequence[Entry]) -> list[Entry]:
    """Folders that hold nothing but what nobody hands in, which may stand for students as empty ones do."""
    in_use = {parent for entry in handed_in for parent in (entry.inside, *entry.inside.parents)}
    folders = {parent: entry for entry in entries for parent in entry.inside.parents if not is_litter(parent)}
    saved = {
        parent: entry
        for entry in entries
        if entry.is_notebook
        and not entry.inside.name.startswith("._")
        and "__MACOSX" not in entry.inside.parts
        for parent in entry.inside.parents
    }
    return [
        Entry(
            inside,
            entry.shown,
            unreadable("this is an empty folder"),
            problem=_only_checkpoint(saved[inside]) if inside in saved else None,
            is_folder=True,
        )
        for inside, entry in folders.items()
        if inside not in in_use and inside.parent in (in_use | {PurePosixPath()})
    ]


def _only_checkpoint(entry: Entry) -> str:
    """Jupyter's own copy shows that there is a notebook, and may be older than what was to be handed in."""
    name = visible(entry.inside.name)
    return f"only a copy that Jupyter keeps for itself came: {name}; {TO_DO}hand in the notebook itself"


def _worth_a_row(owned: Sequence[_Owned], *, named: bool) -> bool:
    """Whether these are submissions: there is a notebook, or any file in a layout that a person named."""
    return any(
        entry.is_notebook or entry.problem or (named and not entry.is_folder) or holds_notebook(entry)
        for _, entry in owned
    )


def format_names() -> tuple[str, ...]:
    return tuple(layout.name for layout in LAYOUTS)


def _entries(path: Path) -> list[Entry]:
    if path.is_dir():
        return folder_entries(path)
    if not path.exists():
        raise IntakeError("there is nothing here", where=str(path), expected="a folder, a zip or a notebook")
    if path.suffix.lower() == ".ipynb":
        return [Entry(PurePosixPath(path.name), path, lambda: read_file(path.resolve()))]
    return _without_wrapper(archive_entries(path), path.stem)


def _without_wrapper(entries: list[Entry], archive: str) -> list[Entry]:
    """Takes off the one folder that many programs put around all they pack."""
    tops = {entry.inside.parts[:1] for entry in entries if not is_litter(entry.inside)}
    below = {entry.inside.parts[1] for entry in entries if len(entry.inside.parts) > 2}
    named_so = tops & {(archive,), ("submissions",)}
    if len(tops) != 1 or tops & {(), ("/",), ("..",)} or (len(below) < 2 and not named_so):
        return entries
    return [_without_top(entry) if entry.inside.parts[:1] in tops else entry for entry in entries]


def _layout(entries: list[Entry], format: str | None, path: Path) -> tuple[Layout, list[Entry]]:
    """The layout, and the files as it sees them: without a folder around all of them."""
    if format is not None and format not in format_names():
        raise IntakeError(
            "there is no such format of submissions", expected=", ".join(format_names()), found=format
        )
    kinds = [kind for kind in LAYOUTS if format in (None, kind.name)]
    for kind in kinds:
        for seen in (entries, *_below_one_folder(entries, kind)):
            layout = kind()
            if layout.fits(seen):
                return layout, seen
    if format is None:
        raise _nothing_found(path, entries)
    return kinds[0](), entries


def _below_one_folder(entries: list[Entry], kind: type[Layout]) -> list[list[Entry]]:
    """The files below the only folder there is, for layouts that are known by more than their depth."""
    folders = {entry.inside.parts[0] for entry in entries if len(entry.inside.parts) > 1}
    at_top = any(entry.is_notebook and len(entry.inside.parts) == 1 for entry in entries)
    if not kind.may_be_wrapped or len(folders) != 1 or at_top or folders & {"/", ".."}:
        return []
    return [[_without_top(entry) for entry in entries]]


def _without_top(entry: Entry) -> Entry:
    return replace(entry, inside=PurePosixPath(*entry.inside.parts[1:] or entry.inside.parts))


def _nothing_found(path: Path, entries: Sequence[Entry]) -> IntakeError:
    archives = [str(entry.shown) for entry in entries if entry.inside.suffix.lower() == ".zip"]
    links = sum(is_link(entry) for entry in entries)
    found = f"{len(entries)} other files" if entries else "nothing"
    todo = f"name the archive itself: {archives[0]}" if archives else "name the folder of submissions"
    if links:
        found += f", {links} of them symbolic links, which are not followed"
        todo = "copy what the links lead to (`cp -rL FOLDER COPY`), and name the copy"
    return IntakeError(
        "no notebooks were found",
        where=str(path),
        expected=f"submissions in one of these layouts: {', '.join(format_names())}",
        found=found,
        todo=todo,
    )


def _by_student(owned: Iterable[_Owned]) -> list[list[_Owned]]:
    groups: dict[str, list[_Owned]] = defaultdict(list)
    for owner, entry in owned:
        groups[_student(owner, entry)].append((owner, entry))
    return list(groups.values())


def _student(owner: Owner, entry: Entry) -> str:
    # A climbing or absolute path says nothing about who made it, so it becomes nobody else's file.
    unsafe = ".." in entry.inside.parts or entry.inside.is_absolute()
    return normalise_id(str(entry.inside) if unsafe else owner.student)


def _submissions(files: list[_Owned], assignment_of: AssignmentOf | None) -> list[Submission]:
    """What one student handed in: one submission, or one for each assignment."""
    notebooks = [(owner, entry) for owner, entry in files if entry.is_notebook] or _by_content(files)
    if not notebooks:
        return [_without_notebook(files)]
    spelled = {owner.student for owner, _ in notebooks}
    twins = [(owner, entry) for owner, entry in files if owner.student not in spelled]
    if len(notebooks) == 1 or assignment_of is None:
        return [_one_of(notebooks, files, twins)]
    groups: dict[str | None, list[_Owned]] = defaultdict(list)
    for owner, entry in notebooks:
        groups[_assignment(entry, assignment_of)].append((owner, entry))
    return [_one_of(group, files, twins) for group in groups.values()]


def _by_content(files: list[_Owned]) -> list[_Owned]:
    """Of a student without a file called so, those that hold a notebook; else the only file there is."""
    came = [(owner, entry) for owner, entry in files if not entry.is_folder]
    if len(came) == 1:
        return came
    tried = [pair for pair in came if pair[1].inside.suffix.lower() not in _NO_NOTEBOOK][:_MOST_TRIED]
    return [pair for pair in tried if holds_notebook(pair[1])]


def _assignment(entry: Entry, assignment_of: AssignmentOf) -> str | None:
    try:
        return assignment_of(entry.read())
    except SubmissionError:
        return None


def _without_notebook(files: list[_Owned]) -> Submission:
    # An empty folder beside one that cannot be read is no proof that nothing came.
    owner, entry = next((pair for pair in files if pair[1].problem), files[0])
    names = _in_few([item.inside.name for _, item in files if not item.is_folder])
    problem = entry.problem or (f"there is no notebook in what came: {names}" if names else NOTHING_CAME)
    return _submission(owner, entry, problem=problem)


def _one_of(notebooks: list[_Owned], files: list[_Owned], twins: list[_Owned]) -> Submission:
    """The newest of a student's notebooks, or a row whose problem names them all.

    Args:
        notebooks: For one assignment.
        files: All that the student handed in.
        twins: Those of them without a notebook whose owner is written in another way.
    """
    owner, entry = notebooks[0]
    together = [*notebooks, *twins]
    if len({who.student for who, _ in together}) > 1:
        return _submission(owner, entry, problem=_one_id(together) + _HAND_IN_ONE)
    if len(notebooks) == 1:
        return _submission(owner, entry, problem=entry.problem, files=files)
    names = _in_few([str(item.inside) for _, item in notebooks])
    newest = _newest(notebooks)
    if newest is not None:
        owner, entry = newest
        note = f"the newest of {len(notebooks)} notebooks was taken: {names}"
        return _submission(owner, entry, problem=entry.problem, notes=(note,), files=files)
    if _are_copies(notebooks):
        note = f"{len(notebooks)} notebooks with the same content came, and the first was taken: {names}"
        return _submission(owner, entry, notes=(note,), files=files)
    problem = f"{len(notebooks)} notebooks were handed in, and which one counts cannot be told: {names}"
    return _submission(owner, entry, problem=problem + _HAND_IN_ONE)


def _one_id(files: list[_Owned]) -> str:
    """Files of two owners whose names differ in nothing that an id keeps, each path told apart."""
    spelled = len({owner.student for owner, _ in files})
    paths = _in_few([ascii(str(entry.inside)) for _, entry in files])
    return (
        f"{spelled} names, which look alike, become this one id, and whose is which cannot be told: {paths}"
    )


def _are_copies(notebooks: list[_Owned]) -> bool:
    """Whether a browser or an editor saved the same notebook several times (``lab (1).ipynb``)."""
    digests = set()
    for _, entry in notebooks[:_MOST_TRIED]:
        try:
            digests.add(hashlib.sha256(entry.read()).digest())
        except SubmissionError:
            return False
        if len(digests) > 1:
            return False
    return len(notebooks) <= _MOST_TRIED


def _in_few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = visible(", ".join(names[:_MOST_NAMED]))
    return f"{shown} and {more} more" if more > 0 else shown


def _newest(notebooks: list[_Owned]) -> _Owned | None:
    """The one later than all others; None where times are missing or equal."""
    times = [owner.submitted_at for owner, _ in notebooks]
    orders = [owner.order for owner, _ in notebooks]
    position = _latest([time for time in times if time]) if all(times) else None
    if position is None and None not in orders:
        position = _latest([order for order in orders if order is not None])
    return None if position is None else notebooks[position]


def _latest(ranks: list[_Rank]) -> int | None:
    """Position of the largest; None where it is not the only one."""
    largest = max(ranks)
    return ranks.index(largest) if ranks.count(largest) == 1 else None


def _submission(
    owner: Owner,
    entry: Entry,
    *,
    problem: str | None = None,
    notes: tuple[str, ...] = (),
    files: Sequence[_Owned] = (),
) -> Submission:
    odd = odd_characters(owner.student)
    beside = [_under_its_own_name(other, who) for who, other in files if other is not entry]
    return Submission(
        student=_student(owner, entry),
        path=entry.shown,
        read=entry.read,
        submitted_at=owner.submitted_at,
        late=owner.late,
        problem=problem,
        notes=(*notes, odd) if odd else notes,
        name=owner.name,
        beside=lambda: read_beside(entry.inside.parent, beside),
    )


def _under_its_own_name(entry: Entry, owner: Owner) -> Entry:
    """A file as its student called it, where the course system put more before its name."""
    return replace(entry, inside=entry.inside.with_name(owner.file)) if owner.file else entry


def _strays(entries: Iterable[Entry], layout: Layout) -> list[str]:
    return [
        f"{visible(str(entry.shown))}: belongs to no student in the layout {layout.name!r}"
        for entry in entries
        if not layout.owners(entry) and not layout.is_own_file(entry) and not _is_course_file(entry)
    ]


def _is_course_file(entry: Entry) -> bool:
    """Rubrics, rosters, databases and notes that a course keeps beside its submissions."""
    return len(entry.inside.parts) == 1 and entry.inside.suffix in _COURSE_FILES


def _litter_note(count: int) -> list[str]:
    return [f"{count} files that nobody hands in were ignored (.DS_Store, checkpoints)"] if count else []


def _with_look_alikes(intake: Intake) -> Intake:
    groups = look_alikes(submission.student for submission in intake.submissions)
    twins = {student: group for group in groups for student in group}
    flagged = tuple(
        replace(submission, notes=(*submission.notes, _looks_like(twins[submission.student])))
        if submission.student in twins
        else submission
        for submission in intake.submissions
    )
    return replace(
        intake, submissions=flagged, problems=(*intake.problems, *(_looks_like(group) for group in groups))
    )


def _looks_like(group: tuple[str, ...]) -> str:
    return f"these ids look alike: {', '.join(map(ascii, group))}"
