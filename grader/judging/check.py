"""What a check is: its fields, the evidence that it needs, and how it judges."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    JsonValue,
)

from grader.evidence.plan import InputSpec, LiteralInput, Probe
from grader.facts.case import Case
from grader.facts.fields import NamesOf, Strict, words_of
from grader.judging.exhibits import Shown
from grader.judging.judgement import Judgement

__all__ = ["AnswerNames", "Argument", "Check", "Early", "Names", "StudentsNames"]

#: What of a judgement a student may learn before handing in: nothing, whether it would pass, or its words.
Early = Literal["nothing", "outcome", "words"]


class Check(Strict):
    """One kind of check: its YAML fields, the evidence it needs, and how it judges.

    A subclass sets `check` to a one-word literal and lives in a file of its own in `grader/checks/`. Its
    docstring is the documentation page; `example` is YAML that the page shows and a test loads.
    """

    example: ClassVar[str] = ""

    #: True where a person judges by design, and not only where a program cannot tell.
    by_a_person: ClassVar[bool] = False

    #: True where it judges photos, which no notebook brings.
    of_photos: ClassVar[bool] = False

    #: True where its keys hold or name code of the course's own, which no page may bring.
    holds_code: ClassVar[bool] = False

    #: What a pre-check may tell of it where a rubric marks it public: nothing where hidden inputs or a person
    #: decide, or where the answer is a number; not its words where these name what is expected.
    early: ClassVar[Early] = "nothing"

    #: Fields that hold checks of their own, as `of` of a kind that judges by several.
    nested: ClassVar[tuple[str, ...]] = ()

    check: str

    def parts(self) -> tuple[Check, ...]:
        """The checks that it judges by: itself, or those that it is made of, however deep."""
        return (self,)

    def tells_early(self) -> Early:
        """What a pre-check may tell of it, with the keys that it has here."""
        return self.early

    def probes(self) -> tuple[Probe, ...]:
        """What must be measured in the sandbox after the notebook ran."""
        return ()

    def watches(self) -> tuple[str, ...]:
        """Names whose values must be kept as cells change them."""
        return ()

    def section_names(self) -> tuple[str, ...]:
        """Sections that the check's own fields name, so that the loader can tell unknown ones."""
        return tuple(words_of(self, "section"))

    def shows(self, case: Case) -> tuple[Shown, ...]:
        """What a student can make again to see where points went; nothing where that takes more than a cell.

        Pure, as `judge` is, and asked only where points went.
        """
        return ()

    @property
    def needs_full_training(self) -> bool:
        """True where a training budget makes the question meaningless."""
        return False

    @abstractmethod
    def judge(self, case: Case) -> Judgement:
        """Judges recorded evidence. Pure: no clock, chance, file, process, network or database."""


def _as_input(value: Any) -> Any:
    """A mapping with `kind` is an input drawn afresh, also inside a list; anything else stands for itself."""
    if isinstance(value, Mapping) and "kind" in value:
        items = value.get("items")
        return {**value, "items": [_as_input(item) for item in items]} if isinstance(items, list) else value
    if isinstance(value, list) and any(map(_is_drawn, value)):
        return {"kind": "list", "items": [_as_input(item) for item in value]}
    return value if isinstance(value, InputSpec.__origin__) else LiteralInput(value=value)  # type: ignore[attr-defined]


def _is_drawn(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_drawn, value))
    return isinstance(value, Mapping) and "kind" in value


def _as_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: An argument in a rubric: ``3``, ``"two words"``, or ``{kind: integers, low: 4, high: 30}``.
Argument = Annotated[InputSpec, BeforeValidator(_as_input, json_schema_input_type=InputSpec | JsonValue)]


#: One name or several, of which the first that exists counts.
Names = Annotated[tuple[str, ...], BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...])]

#: The same for what students define: functions, classes, networks.
StudentsNames = Annotated[Names, NamesOf("definition")]

#: The same for variables that hold an answer, which may be told in another way as well.
AnswerNames = Annotated[Names, NamesOf("variable")]
