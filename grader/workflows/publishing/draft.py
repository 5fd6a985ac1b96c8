"""A rubric as somebody writes it in a page: what is wrong with it, line by line, before anybody is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from grader.checks import registry
from grader.errors import RubricError, UsageError
from grader.facts.case import Reference
from grader.rubric.dates import with_offsets
from grader.rubric.loader import load_rubric
from grader.rubric.model import Criterion, Rubric
from grader.rubric.text import MAX_CHARACTERS, SourceText, parse_yaml
from grader.store import Store
from grader.store.publications import Publication
from grader.store.records import RubricRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.trying.check_rubric import rubric_slips

__all__ = ["Draft", "Problem", "Standing", "read_draft", "read_with_points", "standing_rubric"]

_PLACE = re.compile(r"(?P<line>\d+): (?P<what>.*)", re.DOTALL)
_POINTS = r"(?P<key>\b{key}\s*:\s*)(?P<value>[-+]?[\d.]+)"
#: Keys of what a run measures that are code in the student's own namespace.
_CODE_KEYS = ("code", "expression")


@dataclass(frozen=True)
class Standing:
    """The rubric that marks stand on now.

    Attributes:
        published: Who published it at the desk; None where a file of the course counts.
        zone: In which dates are read that name none.
    """

    loaded: LoadedRubric
    record: RubricRecord
    published: Publication | None
    zone: tzinfo | None = None

    @property
    def key(self) -> str:
        """Changes with the rubric; a form that was made on another one is out of date."""
        return f"{self.record.seq}-{self.record.digest[:16]}"


@dataclass(frozen=True)
class Problem:
    """Something wrong, or worth a look, at a line.

    Attributes:
        line: From 1.
        certain: Whether it keeps the rubric from judging rightly.
    """

    line: int
    what: str
    certain: bool = True


@dataclass(frozen=True)
class Draft:
    """A text and what came of reading it.

    Attributes:
        text: With line ends as files have them.
        loaded: None where there are problems that are certain.
        problems: In the order of lines.
        same: It says what stands already, character for character.
    """

    text: str
    loaded: LoadedRubric | None
    problems: tuple[Problem, ...]
    same: bool = False


def standing_rubric(store: Store, assignment: str) -> Standing:
    """The rubric that was published last, else the one of the newest verdict.

    Raises:
        UsageError: Nothing was judged yet.
        RubricError: This version no longer knows a check or a key of it.
    """
    with store.reading() as history:
        published = history.published_rubric(assignment)
        record = published.rubric if published else history.newest_rubric(assignment)
    if record is None:
        raise UsageError(f"no verdict on {assignment} yet, so there is no rubric to change")
    return Standing(store.rubric(record), record, published, store.zone)


def read_draft(standing: Standing, text: str, reference: Reference) -> Draft:
    """Reads a text that is to take the place of a rubric; judges nothing.

    Args:
        standing: What it is to take the place of; the handout's description stays that one's.
        text: The YAML, as a browser sends it.
        reference: The course's answers, whose names the text may use.
    """
    plain = _plain(text)
    same = plain == _plain(standing.loaded.text)
    name = standing.loaded.name
    try:
        plain = with_offsets(plain, standing.zone, name)
        rubric = load_rubric(plain, registry(), name=name, new=True)
    except RubricError as error:
        return Draft(plain, None, tuple(_placed(error.problems, name)), same)
    before = standing.loaded
    loaded = LoadedRubric(rubric, name, plain, before.handout, before.handout_text)
    refused = [] if same else list(_brought(before.rubric, rubric, parse_yaml(plain, name)))
    if refused:
        return Draft(plain, None, tuple(refused), same)
    slips = rubric_slips(loaded, reference)
    problems = [each for slip in slips for each in _placed([str(slip)], name, certain=slip.certain)]
    wrong = any(problem.certain for problem in problems)
    return Draft(plain, None if wrong else loaded, tuple(problems), same)


def _plain(text: str) -> str:
    """Line ends as files have them, and one at the end; a browser sends others."""
    plain = text[: 2 * MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return plain.rstrip("\n") + "\n"


def _placed(problems: Iterable[str], name: str, *, certain: bool = True) -> Iterator[Problem]:
    for problem in problems:
        found = _PLACE.fullmatch(problem.removeprefix(f"{name}:"))
        yield Problem(int(found["line"]), found["what"], certain) if found else Problem(1, problem, certain)


def _brought(before: Rubric, after: Rubric, source: SourceText) -> Iterator[Problem]:
    """What needs the server's own files: another assignment, another handout, and code of any kind."""
    for key in ("assignment", "handout", "may_import"):
        was, now = getattr(before, key), getattr(after, key)
        if was != now:
            what = f"'{key}' cannot be changed here, only in the course's folder; it stands at {_told(was)}"
            yield Problem(source.line_of((key,)), what)
    known = {code for criterion in before.criteria for code in _code_of(criterion)}
    for place, criterion in enumerate(after.criteria):
        if not _code_of(criterion) <= known:
            what = (
                f"'{criterion.id}' brings code (a `python` check, or an expression), and a page cannot:"
                " write it into the course's folder, and let `grader regrade` judge by that"
            )
            yield Problem(source.line_of(("criteria", place, "check")), what)


def _told(value: Any) -> str:
    if not value:
        return "nothing"
    return f"'{value}'" if isinstance(value, str) else ", ".join(value)


def _code_of(criterion: Criterion) -> set[str]:
    """All code that a criterion's checks hold or name, each piece as text."""
    parts = criterion.check.parts()
    whole = {part.model_dump_json() for part in (criterion.check, *parts) if part.holds_code}
    probes = [probe.model_dump() for part in parts for probe in part.probes()]
    return whole | {code for probe in probes for code in _code_in(probe)}


def _code_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _CODE_KEYS and isinstance(inner, str):
                yield inner
            yield from _code_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _code_in(inner)


def read_with_points(
    standing: Standing, text: str, points: Mapping[str, float], reference: Reference
) -> Draft:
    """Writes other points into a text, by the criteria's ids, and the total that follows, and reads it.

    Each number is replaced where it stands, so that comments and order stay.
    """
    name = standing.loaded.name
    try:
        changed = _with_points(text, points, name)
    except RubricError as error:
        return Draft(_plain(text), None, tuple(_placed(error.problems, name)))
    return read_draft(standing, changed, reference)


def _with_points(text: str, points: Mapping[str, float], name: str) -> str:
    plain = _plain(text)
    source = parse_yaml(plain, name)
    lines, data = plain.split("\n"), source.data if isinstance(source.data, dict) else {}
    criteria = data.get("criteria")
    given = list(enumerate(criteria if isinstance(criteria, list) else []))
    criteria = [(place, entry) for place, entry in given if isinstance(entry, dict)]
    total = 0.0
    for place, entry in criteria:
        old = entry.get("points")
        new = points.get(str(entry.get("id")), old)
        total += float(new) if isinstance(new, int | float) else 0.0
        if new != old:
            _put_in_place(lines, source, ("criteria", place, "points"), float(new or 0))
    if data.get("total") != total:
        _put_in_place(lines, source, ("total",), total)
    return "\n".join(lines)


def _put_in_place(lines: list[str], source: SourceText, path: tuple[str | int, ...], value: float) -> None:
    line = source.line_of(path) - 1
    pattern = _POINTS.format(key=path[-1])
    replaced, times = re.subn(pattern, lambda found: f"{found['key']}{value:g}", lines[line])
    if times != 1:
        raise RubricError([source.at(path, f"no number of its own stands after '{path[-1]}' in this line")])
    lines[line] = replaced
