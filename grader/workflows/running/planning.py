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
    "Work",
    "plan_work",
    "read_file",
    "require_data",
    "without_rubric",
]

#: What lies in the root of a data set, by which it is found in the data folder itself too.
_DATA_SETS = {"cifar10": "cifar-10-batches-py", "mnist": "MNIST/raw"}

Choose = Callable[[Sequence[CellRecord]], LoadedRubric | None]
ChooseByPath = Callable[[Path], LoadedRubric | None]


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


@dataclass(frozen=True)
class Work:
    """A submission with the rubric that it is judged by and the plan that it is run by."""

    file: File
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


def plan_work(
    files: Sequence[File],
    choose: Choose,
    *,
    by_path: ChooseByPath = lambda _: None,
    training: str | None = None,
    cuda: bool = False,
) -> list[Work]:
    """Finds each file's rubric and plan, grouped by assignment so that a sandbox serves like after like.

    Args:
        files: All files of the run.
        choose: Gives the rubric for a notebook's cells, of which a broken file has none; None where no
            rubric fits.
        by_path: Gives the rubric that a broken file's path names; None where it names none.
        training: ``budget`` or ``full`` in place of what the rubrics say.
        cuda: Whether attempts are given a GPU.

    Returns:
        Nothing for a file that no rubric fits, where neither its path nor the other notebooks tell which is
        meant: see `without_rubric`.

    Raises:
        UsageError: No rubric fits any of them.
    """
    rubrics = _rubrics(files, choose, by_path)
    if files and not any(rubrics):
        raise _no_rubric(files)
    works = [
        Work(file, rubric, _plan(rubric, training, cuda))
        for file, rubric in zip(files, rubrics, strict=True)
        if rubric is not None
    ]
    return sorted(works, key=lambda work: (work.assignment, work.student))


def _rubrics(files: Sequence[File], choose: Choose, by_path: ChooseByPath) -> list[LoadedRubric | None]:
    """Each file's own rubric, else the one that its path or the other files leave no doubt about."""
    chosen = [choose(file.cells) for file in files]
    seen = {rubric.rubric.digest: rubric for rubric in chosen if rubric is not None}
    fallback = next(iter(seen.values())) if len(seen) == 1 else None
    pairs = list(zip(files, chosen, strict=True))
    has = {(file.submission.student, rubric.assignment) for file, rubric in pairs if rubric is not None}
    return [rubric or _for_broken(file, seen.values(), has, by_path) or fallback for file, rubric in pairs]


def _for_broken(
    file: File, seen: Iterable[LoadedRubric], has: Container[tuple[str, str]], by_path: ChooseByPath
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


def _plan(rubric: LoadedRubric, training: str | None, cuda: bool) -> Plan:
    budget = rubric.rubric.training
    if training is not None:
        budget = Training.model_validate({**budget.model_dump(), "mode": training})
    return plan_for(rubric.rubric, training=budget, cuda=cuda)


def without_rubric(files: Sequence[File], works: Sequence[Work]) -> tuple[str, ...]:
    """What no rubric fits, one line each."""
    planned = {id(work.file) for work in works}
    return tuple(
        f"{file.submission.path}: no rubric fits it ({file.problem or 'it has cells of no known handout'});"
        " name the rubric with --rubric, or in grader.toml"
        for file in files
        if id(file) not in planned
    )


def _no_rubric(files: Sequence[File]) -> UsageError:
    return UsageError(
        "no rubric fits any notebook" if len(files) > 1 else "no rubric fits the notebook",
        where=str(files[0].submission.path),
        expected="a notebook made from the handout of a known rubric",
        found=files[0].problem or "cells of no known handout",
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
