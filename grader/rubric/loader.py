"""Reads a rubric: YAML in, a typed Rubric out, or every problem at once with its line."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from grader.errors import RubricError
from grader.facts.case import Case
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.rubric.dates import DATES, with_offsets
from grader.rubric.model import Criterion, Rubric
from grader.rubric.problems import nearest, put_plainly
from grader.rubric.text import SourceText, YamlPath, parse_yaml

__all__ = ["CRITERION_KEYS", "load_rubric", "read_text"]

#: Keys of a criterion that belong to every kind of check.
CRITERION_KEYS: frozenset[str] = frozenset(Criterion.model_fields)

_A_DATE = "2026-10-02T23:59:00-04:00"

CheckTypes = Mapping[str, type[Check]]
Model = TypeVar("Model", bound=BaseModel)


def load_rubric(
    source: Path | str,
    check_types: CheckTypes,
    *,
    name: str = "rubric",
    zone: tzinfo | None = None,
    new: bool = False,
) -> Rubric:
    """Reads a rubric from a file, or from text.

    A criterion and its check are one flat YAML mapping; ``check:`` names the kind, which says which
    further keys there are.

    Args:
        source: A path, or the YAML itself as text.
        check_types: Kinds of check by name (`grader.checks.registry()`).
        name: What to call the text in messages where there is no file.
        zone: In which a file's dates are read that name none (see `grader.rubric.dates`).
        new: Whether the text was written now; a file always counts as such.

    What is new has to stand up to more than text of a history, which an earlier version may have written:
    points that no mark can have and dates that are numbers are refused there only.

    Raises:
        RubricError: Anything wrong in it; `problems` has all of it, each with file and line.
    """
    if isinstance(source, Path):
        text, name = read_text(source, zone), str(source)
    else:
        text = source
    return _Reader(parse_yaml(text, name), check_types, new=new or isinstance(source, Path)).read(text)


def read_text(path: Path, zone: tzinfo | None = None) -> str:
    """A rubric's text as it judges and as the history keeps it: with the offset of every date in it.

    Raises:
        RubricError: The file cannot be read, or is no YAML.
    """
    return with_offsets(_read(path), zone, str(path))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RubricError([f"{path}:1: the file is not UTF-8 text"], todo="save it as UTF-8") from error
    except OSError as error:
        raise RubricError(
            [f"{path}: cannot be read: {error.strerror or error}"], todo="check the path"
        ) from error


class _Reader:
    def __init__(self, source: SourceText, check_types: CheckTypes, *, new: bool) -> None:
        self._source = source
        self._new = new
        self._types = check_types
        self._problems: list[tuple[int, str]] = []

    def read(self, text: str) -> Rubric:
        data = self._source.data
        if not isinstance(data, dict):
            raise RubricError([self._source.at((), "a rubric is a mapping that begins with 'assignment:'")])
        criteria = self._criteria(data.get("criteria"))
        rest = {key: value for key, value in data.items() if key not in ("criteria", "digest")}
        self._refuse_keys(("digest",) if "digest" in data else (), (), set(Rubric.model_fields) - {"digest"})
        digest = hashlib.sha256(text.encode()).hexdigest()
        rubric = self._validate(Rubric, {**rest, "criteria": criteria, "digest": digest}, ())
        if isinstance(data.get("sections") or {}, dict):
            self._check_sections(criteria, data.get("sections") or {})
        self._check_ids(criteria)
        if self._new:
            self._check_points(data)
            self._check_dates(data)
        if rubric is not None:
            self._check_total(rubric)
            self._check_release(rubric)
            self._check_public(rubric)
        if rubric is None or self._problems:
            raise RubricError([problem for _, problem in sorted(set(self._problems))])
        return rubric

    def _criteria(self, entries: Any) -> tuple[Criterion, ...]:
        if not isinstance(entries, list) or not entries:
            self._report(("criteria",), "'criteria' must be a list with at least one criterion")
            return ()
        found = [self._criterion(entry, ("criteria", place)) for place, entry in enumerate(entries)]
        return tuple(criterion for criterion in found if criterion is not None)

    def _criterion(self, entry: Any, path: YamlPath) -> Criterion | None:
        if not isinstance(entry, dict):
            self._report(path, "a criterion is a mapping with id, title, points and check")
            return None
        kind = self._check_type(entry.get("check"), path)
        if kind is None:
            self._without_check(entry, path)
            return None
        check = self._check(kind, entry, path, CRITERION_KEYS)
        head = {key: entry[key] for key in entry if key in CRITERION_KEYS and key != "check"}
        if check is None:
            self._without_check(head, path)
            return None
        return self._validate(Criterion, {**head, "check": check}, path)

    def _check(
        self, kind: type[Check], entry: Mapping[str, Any], path: YamlPath, others: Collection[str]
    ) -> Check | None:
        """A check from the mapping that holds its keys, and `others` that are not its own."""
        known = {*others, *kind.model_fields}
        self._refuse_keys([key for key in entry if key not in known], path, known)
        own = {key: entry[key] for key in entry if key in kind.model_fields}
        for key in kind.nested:
            if isinstance(own.get(key), list):
                made = [self._nested(each, (*path, key, place)) for place, each in enumerate(own[key])]
                if None in made:
                    return None
                own[key] = made
        return self._validate(kind, own, path)

    def _nested(self, entry: Any, path: YamlPath) -> Check | None:
        """A check within a check."""
        if not isinstance(entry, dict):
            self._report(path, "a check is a mapping with 'check' and that kind's keys")
            return None
        kind = self._check_type(entry.get("check"), path)
        if kind is not None and kind.of_photos:
            self._report((*path, "check"), f"'{entry['check']}' judges photos, and stands by itself")
            return None
        return None if kind is None else self._check(kind, entry, path, ())

    def _check_type(self, word: Any, path: YamlPath) -> type[Check] | None:
        if word is None:
            self._report(path, "key 'check' is missing")
            return None
        kind = self._types.get(word) if isinstance(word, str) else None
        if kind is None:
            self._report((*path, "check"), f"unknown check '{word}'{nearest(str(word), self._types)}")
        return kind

    def _without_check(self, entry: Mapping[str, Any], path: YamlPath) -> None:
        """Reports what is wrong with a criterion's own keys where its check cannot be made."""
        head = {key: entry[key] for key in entry if key in CRITERION_KEYS}
        self._validate(Criterion, {**head, "check": _Unknown(check="")}, path)

    def _validate(self, model: type[Model], data: Any, path: YamlPath) -> Model | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self._report_all(error, model, path)
            return None

    def _report_all(self, error: ValidationError, model: type[BaseModel], path: YamlPath) -> None:
        for detail in error.errors(include_url=False):
            where = tuple(detail["loc"])
            self._report((*path, *where), put_plainly(detail, model, where))

    def _refuse_keys(self, keys: Iterable[str], path: YamlPath, known: Iterable[str]) -> None:
        for key in keys:
            self._report((*path, key), f"unknown key '{key}'{nearest(key, known)}")

    def _check_sections(self, criteria: tuple[Criterion, ...], sections: Mapping[str, Any]) -> None:
        for criterion in criteria:
            named = [criterion.section] if criterion.section is not None else []
            for name in {*named, *criterion.beside, *criterion.check.section_names()} - set(sections):
                self._report(
                    self._path_of(criterion, name), f"unknown section '{name}'{nearest(name, sections)}"
                )
        for key, section in sections.items():
            outer = section.get("within") if isinstance(section, dict) else None
            if outer is not None and outer not in sections:
                path = ("sections", key, "within")
                self._report(path, f"unknown section '{outer}'{nearest(str(outer), sections)}")

    def _path_of(self, criterion: Criterion, section: str) -> YamlPath:
        """The place in a criterion where a section is named."""
        for place, entry in enumerate(self._source.data["criteria"]):
            if isinstance(entry, dict) and entry.get("id") == criterion.id:
                keys = [key for key, value in entry.items() if section in _texts(value)]
                return ("criteria", place, *keys[-1:])
        return ("criteria",)

    def _check_ids(self, criteria: tuple[Criterion, ...]) -> None:
        first: dict[str, int] = {}
        for place, entry in enumerate(_entries(self._source.data)):
            given = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(given, str) and given in first:
                line = self._source.line_of(("criteria", first[given], "id"))
                self._report(
                    ("criteria", place, "id"), f"criterion id '{given}' is used before, in line {line}"
                )
            elif isinstance(given, str):
                first[given] = place

    def _check_points(self, data: Mapping[str, Any]) -> None:
        given: list[tuple[YamlPath, Any]] = [(("total",), data.get("total"))]
        for place, entry in enumerate(_entries(data)):
            if isinstance(entry, dict):
                given.append((("criteria", place, "points"), entry.get("points")))
        for path, points in given:
            if isinstance(points, float) and math.isfinite(points) and not _in_decimals(points):
                self._report(path, f"{points:g} points can never be earned: marks have at most 2 decimals")

    def _check_dates(self, data: Mapping[str, Any]) -> None:
        for part, keys in DATES.items():
            given = data.get(part)
            dates = {key: given[key] for key in keys if key in given} if isinstance(given, dict) else {}
            for key, date in dates.items():
                if _is_number(date):
                    self._report((part, key), f"'{key}' is a number; {_as_date(date)}")

    def _check_total(self, rubric: Rubric) -> None:
        entries = self._source.data["criteria"]
        given = math.fsum(criterion.points for criterion in rubric.criteria)
        if len(entries) == len(rubric.criteria) and abs(given - rubric.total) > 1e-9:
            self._report(
                ("total",), f"the criteria's points add up to {given:g}, but 'total' is {rubric.total:g}"
            )

    def _check_release(self, rubric: Rubric) -> None:
        """Without an end of the remark period nothing would ever be released."""
        if rubric.remarks.remarks_open_until is not None:
            return
        needed = "needs 'remarks: remarks_open_until', the date of the release"
        if rubric.cells_to_run == "after_remarks":
            self._report(("cells_to_run",), f"'cells_to_run: after_remarks' {needed}")
        for place, entry in enumerate(self._source.data["criteria"]):
            if isinstance(entry, dict) and entry.get("release") == "after_remarks":
                self._report(
                    ("criteria", place, "release"),
                    f"'release: after_remarks' {needed}",
                )

    def _check_public(self, rubric: Rubric) -> None:
        """What hidden inputs or a person decide cannot be told beforehand."""
        public = [criterion for criterion in rubric.criteria if criterion.public]
        refused = {criterion.id for criterion in public if criterion.check.tells_early() == "nothing"}
        for place, entry in enumerate(self._source.data["criteria"]):
            if isinstance(entry, dict) and entry.get("id") in refused:
                problem = (
                    f"'{entry['check']}' as it stands here cannot be public: hidden inputs or a person"
                    " decide it, or the answer is a number"
                )
                self._report(("criteria", place, "public"), problem)

    def _report(self, path: YamlPath, problem: str) -> None:
        self._problems.append((self._source.line_of(path), self._source.at(path, problem)))


class _Unknown(Check):
    """Stands for a check that could not be made, so that the rest of a criterion can be looked at."""

    def judge(self, case: Case) -> Judgement:
        raise NotImplementedError("a rubric with problems is never judged by")


def _entries(data: Mapping[str, Any]) -> list[Any]:
    """The criteria as they are written; none where that is no list, which is told elsewhere."""
    given = data.get("criteria")
    return given if isinstance(given, list) else []


def _in_decimals(points: float) -> bool:
    return abs(points * 100 - round(points * 100)) < 1e-6


def _is_number(given: Any) -> bool:
    return not isinstance(given, bool) and str(given).strip().replace(".", "", 1).isdigit()


def _as_date(number: Any) -> str:
    """What may have been meant: seconds since 1970, as other systems write dates."""
    seconds = float(str(number))
    if not 1e8 < seconds < 1e10:
        return f"a date is written as {_A_DATE}"
    return f"was {datetime.fromtimestamp(seconds, UTC).isoformat()} meant?"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [text for inner in value for text in _texts(inner)] if isinstance(value, list) else []
