"""From a folder of submissions to a list of work: whose, by which rubric, by which plan."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import DataError, GraderError, SubmissionError, UsageError
from grader.evidence.plan import Plan, Training
from grader.evidence.record import CellRecord
from grader.grading.held import TO_DO
from grader.intake import Submission
from grader.intake.beside import Beside, beside_in_archive, packed
from grader.intake.kinds import kind_of
from grader.intake.notebook import parse_notebook
from grader.intake.unpack import is_archive
from grader.rubric.plan import plan_for
from grader.store.rubrics import LoadedRubric

__all__ = [
    "Choose",
    "ChooseByPath",
    "File",
    "HandedIn",
    "Seen",
    "Work",
    "look_at",
    "plan_of",
    "plan_seen",
    "plan_work",
    "read_file",
    "require_data",
    "without_rubric",
]

#: What lies in the root of a data set, by which it is found in the data folder itself too.
_DATA_SETS = {"cifar10": "cifar-10-batches-py", "mnist": "MNIST/raw"}

Choose = Callable[[Sequence[CellRecord]], LoadedRubric | None]
ChooseByPath = Callable[[Path], LoadedRubric | None]


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What is known of a submission's file once its content was let go of: a class does not fit into memory.

    Attributes:
        notebook: SHA-256 of the bytes with what lies beside them, in hex; by it they are stored.
        problem: Why it is no notebook; empty where it is one.
        left_out: What lay beside it and could not be taken, each with the reason.
    """

    submission: Submission
    notebook: str
    problem: str
    left_out: tuple[str, ...] = ()

    def again(self) -> File:
        """The file as it is now; it may have changed since."""
        return read_file(self.submission)


@dataclass(frozen=True)
class File:
    """A submission's file as it was read.

    Attributes:
        raw: Its bytes, with what lies beside it in one archive; empty where they could not be read.
        cells: Its cells; empty where it is no notebook, and then `problem` says why.
        beside: Files that it may read.
    """

    submission: Submission
    raw: bytes
    cells: tuple[CellRecord, ...]
    problem: str
    beside: Beside = field(default_factory=Beside)

    @property
    def notebook(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def handed_in(self) -> HandedIn:
        """All of it but the content."""
        return HandedIn(self.submission, self.notebook, self.problem, self.beside.left_out)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file with what its content told, while that was in memory.

    Attributes:
        rubric: The one that fits it; None where none does.
        another: The rubric of another assignment, which it was made for instead.
    """

    file: HandedIn
    rubric: LoadedRubric | None
    another: LoadedRubric | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A submission with the rubric that it is judged by and the plan that it is run by."""

    file: HandedIn
    rubric: LoadedRubric
    plan: Plan

    @property
    def student(self) -> str:
        return self.file.submission.student

    @property
    def assignment(self) -> str:
        return self.rubric.assignment


def read_file(submission: Submission) -> File:
    """Reads and parses; what is wrong with the file becomes its `problem`, never an error."""
    raw = b""
    try:
        if submission.problem:
            return File(submission, raw, (), submission.problem)
        raw = submission.read()
        cells = parse_notebook(raw)
        beside = beside_in_archive(raw) if is_archive(raw) else submission.beside()
        if not is_archive(raw):
            raw = packed(_plain_name(submission.path), raw, beside.files)
        return File(submission, raw, cells, "", beside)
    except SubmissionError as error:
        return File(submission, raw, (), _in_one_line(_by_kind(error, raw, submission.path)))
    except OSError as error:
        return File(submission, raw, (), f"the file cannot be read: {error.strerror or error}")


def _plain_name(path: Path) -> str:
    """The notebook's name in the archive that keeps it, the same wherever it came from."""
    return path.name if path.suffix == ".ipynb" and path.name.isprintable() else "notebook.ipynb"


def _by_kind(error: SubmissionError, raw: bytes, path: Path) -> SubmissionError:
    """The error in words of what the file is, where that can be told."""
    kind = kind_of(raw, path)
    if kind is None:
        return error
    what, todo = kind
    return SubmissionError(f"the file is {what}", expected="a Jupyter notebook (.ipynb)", todo=todo)


def _in_one_line(error: GraderError) -> str:
    parts = [
        error.what,
        error.found and f"found {error.found}",
        error.expected and f"expected {error.expected}",
        error.todo and f"{TO_DO}{error.todo}",
    ]
    return "; ".join(part for part in parts if part)


def look_at(file: File, choose: Choose, another: Choose = lambda _: None) -> Seen:
    """What a file's content tells of its rubric.

    Args:
        file: Not needed any more afterwards.
        choose: Gives the rubric for a notebook's cells, of which a broken file has none; None where no
            rubric fits.
        another: Gives the rubric of another assignment, where the notebook was made for that.
    """
    return Seen(file.handed_in, choose(file.cells), another(file.cells))


def plan_work(
    files: Iterable[File],
    choose: Choose,
    *,
    by_path: ChooseByPath = lambda _: None,
    training: str | None = None,
    cuda: bool = False,
) -> list[Work]:
    """`plan_seen` of files that are looked at one after another, as they come."""
    seen = [look_at(file, choose) for file in files]
    return plan_seen(seen, by_path=by_path, training=training, cuda=cuda)


def plan_seen(
    files: Sequence[Seen],
    *,
    by_path: ChooseByPath = lambda _: None,
    training: str | None = None,
    cuda: bool = False,
) -> list[Work]:
    """Finds each file's rubric and plan, grouped by assignment so that a sandbox serves like after like.

    Args:
        files: All files of the run.
        by_path: Gives the rubric that a broken file's path names; None where it names none.
        training: ``budget`` or ``full`` in place of what the rubrics say.
        cuda: Whether attempts are given a GPU.

    Returns:
        Nothing for a file that no rubric fits, where neither its path nor the other notebooks tell which is
        meant: see `without_rubric`.

    Raises:
        UsageError: No rubric fits any of them.
    """
    rubrics = _rubrics(files, by_path)
    if files and not any(rubrics):
        raise _no_rubric(files)
    # Those of one rubric share one plan.
    plans = {
        rubric.rubric.digest: plan_of(rubric, training, cuda=cuda) for rubric in rubrics if rubric is not None
    }
    works = [
        Work(seen.file, rubric, plans[rubric.rubric.digest])
        for seen, rubric in zip(files, rubrics, strict=True)
        if rubric is not None
    ]
    return sorted(works, key=lambda work: (work.assignment, work.student))


def _rubrics(files: Sequence[Seen], by_path: ChooseByPath) -> list[LoadedRubric | None]:
    """Each file's own rubric, else the one that its path or the other files leave no doubt about."""
    seen = {one.rubric.rubric.digest: one.rubric for one in files if one.rubric is not None}
    fallback = next(iter(seen.values())) if len(seen) == 1 else None
    has = {(one.file.submission.student, one.rubric.assignment) for one in files if one.rubric is not None}
    return [one.rubric or _for_broken(one.file, seen.values(), has, by_path) or fallback for one in files]


def _for_broken(
    file: HandedIn, seen: Iterable[LoadedRubric], has: Container[tuple[str, str]], by_path: ChooseByPath
) -> LoadedRubric | None:
    """The rubric under which a broken file is reported; None for a readable one, and where in doubt.

    It is the one that the path names, else the only one of the run for which the student has no notebook.
    A file that cannot be read never takes the place of a notebook that can.
    """
    if not file.problem:
        return None
    student, named = file.submission.student, by_path(file.submission.path)
    open_to_it = {rubric.assignment: rubric for rubric in seen if (student, rubric.assignment) not in has}
    if named is not None and (student, named.assignment) not in has:
        return open_to_it.get(named.assignment, named)
    return next(iter(open_to_it.values())) if len(open_to_it) == 1 else None


def plan_of(rubric: LoadedRubric, training: str | None = None, *, cuda: bool = False) -> Plan:
    """What a rubric asks of the sandbox.

    Args:
        rubric: By which the attempts are judged.
        training: ``budget`` or ``full`` in place of what it says.
        cuda: Whether attempts are given a GPU.
    """
    budget = rubric.rubric.training
    if training is not None:
        budget = Training.model_validate({**budget.model_dump(), "mode": training})
    return plan_for(rubric.rubric, training=budget, cuda=cuda)


def without_rubric(files: Sequence[Seen], works: Sequence[Work]) -> tuple[str, ...]:
    """What no rubric fits, one line each."""
    planned = {id(work.file) for work in works}
    return tuple(
        f"{file.submission.path}: no rubric fits it ({file.problem or 'it has cells of no known handout'});"
        " name the rubric with --rubric, or in grader.toml"
        for file in (seen.file for seen in files)
        if id(file) not in planned
    )


def _no_rubric(files: Sequence[Seen]) -> UsageError:
    first = files[0].file
    return UsageError(
        "no rubric fits any notebook" if len(files) > 1 else "no rubric fits the notebook",
        where=str(first.submission.path),
        expected="a notebook made from the handout of a known rubric",
        found=first.problem or "cells of no known handout",
        todo="name the rubric with --rubric, or in grader.toml",
    )


def require_data(rubric: LoadedRubric, data: Path | None) -> None:
    """Makes sure that the data sets that a rubric names are there before anything is run.

    Raises:
        DataError: One is not, or the sandbox could not read it; says which and what to do.
    """
    if data is not None and rubric.rubric.data and data.is_dir():
        _require_readable(data)
    for name in rubric.rubric.data:
        if data is None or not _holds(data, name):
            folder = data or "DIR"
            raise DataError(
                f"the data set '{name}', which the notebooks of {rubric.assignment} read, is not there",
                where=rubric.name,
                expected=str(data / _DATA_SETS.get(name, name)) if data else "a folder given with --data",
                todo=f"`grader data {name} {folder}` writes a small stand-in; then give `--data {folder}`",
            )


def _require_readable(data: Path) -> None:
    """In the sandbox neither root nor the student has a right beyond "others"."""
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o005 != 0o005:
        raise DataError(
            "the data folder cannot be read from inside the sandbox",
            where=str(data),
            expected="a folder that everyone may list and read (mode 755)",
            found=f"mode {mode:03o}",
            todo=f"chmod -R a+rX {data}",
        )


def _holds(data: Path, name: str) -> bool:
    """Whether a data set lies in a folder of its own name, or in the data folder itself."""
    content = _DATA_SETS.get(name)
    if content is None:
        return (data / name).is_dir()
    return (data / name / content).is_dir() or (data / content).is_dir()
