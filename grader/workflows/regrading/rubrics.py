"""Finds the rubric that judges: a file, a name, a notebook's own, or the newest of the history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from pathlib import Path

from grader.checks import registry
from grader.errors import RubricError, SubmissionError, UsageError
from grader.evidence.record import CellRecord
from grader.facts.handout import parse_handout, source_digest
from grader.facts.sections import headings_of
from grader.intake import parse_notebook
from grader.rubric.loader import load_rubric, read_text
from grader.rubric.problems import nearest
from grader.store import Store
from grader.store.records import RubricRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.reference import bundled

__all__ = [
    "Chooser",
    "RubricShelf",
    "another_assignment",
    "kept_rubric",
    "load_rubric_file",
    "require_assignment",
]


#: Real student copies keep at least 15 % of their handout's cells.
_LIKE_ENOUGH = 0.1

_WORD = re.compile(r"[^\W_]+")


def load_rubric_file(path: Path, zone: tzinfo | None = None) -> LoadedRubric:
    """Reads a rubric and the handout description beside it.

    Args:
        path: The rubric.
        zone: In which dates are read that name none; None refuses them.

    Raises:
        RubricError: Anything wrong in either, with file and line.
    """
    rubric = load_rubric(path, registry(), zone=zone)
    text = read_text(path, zone)
    if rubric.handout is None:
        return LoadedRubric(rubric, path.name, text)
    beside = path.parent / rubric.handout
    try:
        handout_text = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(
            [f"{path}: the handout description '{rubric.handout}' cannot be read: {error}"],
            todo="write it with `grader rubric handout NOTEBOOK`",
        ) from error
    return LoadedRubric(rubric, path.name, text, parse_handout(handout_text, name=str(beside)), handout_text)


class RubricShelf:
    """The rubrics at hand: a course's own `rubrics/` folders first, then the bundled ones."""

    def __init__(self, places: Iterable[Path], *, zone: tzinfo | None = None) -> None:
        self._zone = zone
        folders = [place / "rubrics" for place in places] + [bundled("rubrics")]
        self.paths: dict[str, Path] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.yaml")):
                self.paths.setdefault(path.stem, path)

    def load(self, rubric: str) -> LoadedRubric:
        """Loads a rubric by its file or its name.

        Raises:
            UsageError: There is no such file or name.
            RubricError: Anything wrong in it.
        """
        path = Path(rubric)
        if path.suffix in (".yaml", ".yml") or "/" in rubric:
            return load_rubric_file(path, self._zone)
        if rubric not in self.paths:
            raise UsageError(f"no rubric is called '{rubric}'{nearest(rubric, self.paths)}")
        return load_rubric_file(self.paths[rubric], self._zone)

    def match(self, cells: Sequence[CellRecord]) -> LoadedRubric | None:
        """The rubric whose handout the notebook was made from; None where no one fits alone.

        A notebook that kept no cell of any handout goes by its title.
        """
        return _match(self.loaded, cells)

    def chooser(self, rubric: str | None) -> Chooser:
        """Chooses the named rubric for all notebooks; where None is named, each one's own."""
        return Chooser(self, None if rubric is None else self.load(rubric))

    @cached_property
    def loaded(self) -> list[LoadedRubric]:
        """All of them, read once."""
        return [load_rubric_file(path, self._zone) for path in self.paths.values()]


@dataclass(frozen=True)
class Chooser:
    """Tells which rubric a notebook is for.

    Attributes:
        named: For every notebook; None where each notebook's handout decides.
    """

    shelf: RubricShelf
    named: LoadedRubric | None

    def choose(self, cells: Sequence[CellRecord]) -> LoadedRubric | None:
        return self.named or self.shelf.match(cells)

    def another(self, cells: Sequence[CellRecord]) -> LoadedRubric | None:
        """The rubric of another assignment that a notebook was made for, and not for the named one.

        None where no rubric is named, or where the named one has no handout to tell by.
        """
        return None if self.named is None else another_assignment(self.named, self.shelf.loaded, cells)

    def named_by(self, path: Path) -> LoadedRubric | None:
        """The rubric whose assignment a file or folder of the path is called by, the innermost; else None."""
        # A course's own rubrics come first on the shelf, so they are entered last.
        by_assignment = {loaded.assignment: loaded for loaded in reversed(self.shelf.loaded)}
        names = (path.stem, *(folder.name for folder in path.parents))
        return next((by_assignment[name] for name in names if name in by_assignment), None)

    def assignment_of(self, raw: bytes) -> str | None:
        """By a file's bytes, for intake: which assignment it is for, None where that cannot be told."""
        try:
            cells = parse_notebook(raw)
        except SubmissionError:
            return None
        chosen = self.another(cells) or self.choose(cells)
        return chosen.assignment if chosen else None


def another_assignment(
    named: LoadedRubric, rubrics: Iterable[LoadedRubric], cells: Sequence[CellRecord]
) -> LoadedRubric | None:
    """The rubric of another assignment that a notebook was made for, and not for the named one.

    None where the named one has no handout to tell by.

    Args:
        named: The assignment that the notebook is said to be for.
        rubrics: Of the course.
        cells: Of the notebook.
    """
    if named.handout is None or not cells or _likeness(named, cells) >= _LIKE_ENOUGH:
        return None
    own = _match(rubrics, cells)
    return own if own is not None and own.assignment != named.assignment else None


def _match(rubrics: Iterable[LoadedRubric], cells: Sequence[CellRecord]) -> LoadedRubric | None:
    rubrics = list(rubrics)
    scored = [(_likeness(loaded, cells), loaded) for loaded in rubrics if loaded.handout is not None]
    fitting = sorted((pair for pair in scored if pair[0] >= _LIKE_ENOUGH), key=lambda pair: -pair[0])
    if not fitting:
        return _match_title(rubrics, cells)
    if len(fitting) > 1 and fitting[0][0] == fitting[1][0]:
        return None
    return fitting[0][1]


def _match_title(rubrics: Iterable[LoadedRubric], cells: Sequence[CellRecord]) -> LoadedRubric | None:
    """The rubric whose whole title stands in the notebook's first heading; None where several do."""
    first = next((line for cell in cells for line in headings_of(cell)), "")
    heading = _words(first)
    titled = [loaded for loaded in rubrics if _words(loaded.rubric.title) in heading]
    return titled[0] if len(titled) == 1 and heading.strip() else None


def _likeness(loaded: LoadedRubric, cells: Sequence[CellRecord]) -> float:
    """Share of the handout's cells that the notebook still has, by id or by unchanged text."""
    assert loaded.handout is not None
    # Cells without an id, as older notebooks have them, are no sign of anything.
    ids = {cell.handout_id for cell in cells} - {None}
    texts = {source_digest(cell.source) for cell in cells if cell.source.strip()}
    kept = [cell for cell in loaded.handout.cells if cell.id in ids or cell.sha256 in texts]
    return len(kept) / max(1, len(loaded.handout.cells))


def _words(title: str) -> str:
    """A title's words between single spaces, for comparing whole words whatever stands between them."""
    return f" {' '.join(_WORD.findall(title.casefold()))} "


def require_assignment(loaded: LoadedRubric, assignment: str) -> None:
    """Keeps a rubric from judging another assignment.

    Raises:
        UsageError: It is another assignment's.
    """
    if loaded.assignment != assignment:
        raise UsageError(
            "the rubric is another assignment's",
            where=loaded.name,
            expected=assignment,
            found=loaded.assignment,
        )


def kept_rubric(store: Store, row: int) -> RubricRecord:
    """A rubric of the history by its row's number.

    Raises:
        UsageError: That row is no rubric; names those that are.
    """
    with store.reading() as history:
        kept, known = history.rubric(row), history.rubric_numbers()
    if kept is None:
        raise UsageError(
            f"row {row} of the history is no rubric",
            expected=f"one of {', '.join(map(str, known))}" if known else None,
        )
    return kept
