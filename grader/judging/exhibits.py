"""What a check lays beside its words: typed exhibits, each of which a page draws or an export carries.

An exhibit says what to show and not how. What was measured stays in the evidence, to which an exhibit refers;
it holds itself only what the check worked out. Each is told from the others by its `kind`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

__all__ = [
    "Array",
    "Call",
    "CallGroup",
    "Calls",
    "CarriedRun",
    "DataLanes",
    "Exhibit",
    "FirstWrong",
    "Given",
    "Look",
    "Names",
    "NetworkTable",
    "NotShown",
    "OtherEdition",
    "Pair",
    "Part",
    "Parts",
    "PhotoNote",
    "PhotoNotes",
    "Place",
    "Plane",
    "Prompt",
    "RunTimeline",
    "Shown",
    "ShownCall",
    "ShownCount",
    "ShownShape",
    "Table",
    "UsedName",
    "Window",
    "WindowBox",
    "exhibit_of",
]

#: Rows of numbers, all of one length.
Plane = tuple[tuple[float, ...], ...]


class _Plain(BaseModel):
    # Losses and a student's own numbers may be infinite: JSON has words for them, which are read as numbers.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Pair(_Plain):
    """Expected beside found, each a number, a text or a shape; None where there is nothing to put there."""

    kind: Literal["pair"] = "pair"
    expected: JsonValue = None
    found: JsonValue = None


class Part(_Plain):
    """One part of an answer.

    Attributes:
        name: Of the variable, function or quantity.
        expected, found: As far as they are small enough to write down.
        mistake: The usual mistake that gives just this; empty where none is known.
        note: How the right answer comes about, or in what way a function answers.
    """

    name: str
    state: Literal["right", "wrong", "open"]
    expected: JsonValue = None
    found: JsonValue = None
    mistake: str = ""
    note: str = ""


class Parts(_Plain):
    """An answer part by part, in the rubric's order."""

    kind: Literal["parts"] = "parts"
    parts: tuple[Part, ...]


class Call(_Plain):
    """One call of a student's function.

    Attributes:
        call: As one would write it, ``f(3)``.
        expected: The right answer, or a list of those that would have done; what is long is told in words.
        got: What came back.
        mistake: The usual mistake that gives just this.
    """

    call: str
    state: Literal["right", "printed", "wrong", "raised", "unknown"]
    expected: JsonValue = None
    got: JsonValue = None
    mistake: str | None = None


class CallGroup(_Plain):
    """Calls that earn a part of the points together.

    Attributes:
        weight: Part of the points, in proportion to the other groups'.
        credit: Share of it that is earned, 0 to 1.
    """

    name: str
    weight: float
    credit: float
    calls: tuple[Call, ...]


class Calls(_Plain):
    """The calls of one function, in groups."""

    kind: Literal["calls"] = "calls"
    function: str
    groups: tuple[CallGroup, ...]


class WindowBox(_Plain):
    """A window in rows and columns of the input; `top` and `left` are negative within the padding."""

    top: int
    left: int
    height: int
    width: int


class FirstWrong(_Plain):
    """The first wrong number of an output plane: its row and column, its window, and both values."""

    row: int
    column: int
    window: WindowBox
    expected: float
    got: float


class Window(_Plain):
    """One convolution or pooling in numbers, rounded.

    Attributes:
        group, call: Which of the calls it is.
        input: Planes (channels) of rows; None where they are too large for a picture.
        kernel: Likewise; None for pooling.
        stride, padding: Rows and columns.
        expected_shape, got_shape: Of the whole outputs.
        plane: Indices of the output plane shown: () for a plain grid, (channel,), or (image, channel).
        expected, got, difference: That plane; the last two are None where shapes differ.
    """

    kind: Literal["window"] = "window"
    group: str = ""
    call: str = ""
    input: tuple[Plane, ...] | None = None
    kernel: tuple[Plane, ...] | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    expected_shape: tuple[int, ...] = ()
    got_shape: tuple[int, ...] | None = None
    plane: tuple[int, ...] = ()
    expected: Plane | None = None
    got: Plane | None = None
    difference: Plane | None = None
    first_wrong: FirstWrong | None = None


class NetworkTable(_Plain):
    """A network's layers as they were measured.

    Attributes:
        probe: Id of the probe in the evidence whose record holds them.
        reference: The course's network that was asked for; empty where none is.
    """

    kind: Literal["network_table"] = "network_table"
    probe: str
    reference: str = ""


class CarriedRun(_Plain):
    """A training run that began with weights of an earlier one.

    Attributes:
        run: Its index in the training history.
        object: Name of the network.
        carried_from: Index of the earlier run.
        carried_share: Share of the weight tensors that were kept, 0 to 1.
    """

    run: int
    cell: int | None = None
    object: str = ""
    model_class: str = ""
    carried_from: int | None = None
    carried_share: float = 0.0
    hyperparameters: dict[str, JsonValue] = Field(default_factory=dict)


class RunTimeline(_Plain):
    """The training runs of the evidence in their order, and those that the judgement is about.

    Attributes:
        carried: Runs that the finding names.
        undetermined: Of some run it is not known what it began with.
        reasons: Why not.
    """

    kind: Literal["run_timeline"] = "run_timeline"
    carried: tuple[CarriedRun, ...] = ()
    undetermined: bool = False
    reasons: tuple[str, ...] = ()


class Place(_Plain):
    """A training run and the cell that it is in."""

    run: int
    cell: int | None = None


class Look(_Plain):
    """A look at data without training: its cell, the run before it, and how many passes were made."""

    cell: int | None = None
    after_run: int | None = None
    passes: int | None = None


class DataLanes(_Plain):
    """The use of each data set by the training history, and what of it was a use of test data.

    Attributes:
        trained_on_test: Runs that were trained on them.
        looks_at_test: Looks at them while settings were chosen.
    """

    kind: Literal["data_lanes"] = "data_lanes"
    trained_on_test: tuple[Place, ...] = ()
    looks_at_test: tuple[Look, ...] = ()


class UsedName(_Plain):
    """A name and where it is bound: cell from 0, line from 1 within it."""

    name: str
    cell: int
    line: int | None = None


class Names(_Plain):
    """Names of Python's own that a student's code uses for something else, each place once."""

    kind: Literal["names"] = "names"
    names: tuple[UsedName, ...] = ()


class Prompt(_Plain):
    """What a TA is to look for; nothing that a student reads."""

    kind: Literal["prompt"] = "prompt"
    text: str


class OtherEdition(_Plain):
    """The question of this part says something else than in the edition that the rubric judges by.

    Attributes:
        section: The part's key in the rubric.
        title: What the part is called.
    """

    kind: Literal["other_edition"] = "other_edition"
    section: str
    title: str


class PhotoNote(_Plain):
    """What was noticed on one photo of those handed in.

    Attributes:
        photo: Its name within what was handed in.
        about: In a word: ``blurred``, ``size``, ``like another``.
        text: Expected and found, in a clause.
        certain: It is so; else a person has to look whether it is.
        for_ta: It stands on no page for students: whose a picture is, and what was done to it, a person says.
    """

    photo: str
    about: str
    text: str
    certain: bool = False
    for_ta: bool = False


class PhotoNotes(_Plain):
    """What was noticed on photos, in their order, and how many were looked at."""

    kind: Literal["photo_notes"] = "photo_notes"
    looked_at: int
    notes: tuple[PhotoNote, ...] = ()


class Table(_Plain):
    """Other rows that a judgement stands on, for exports.

    Attributes:
        rows: Each as long as `columns`.
    """

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[JsonValue, ...], ...] = ()

    @model_validator(mode="after")
    def _is_rectangular(self) -> Self:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a row is not as long as the list of columns")
        return self

    @classmethod
    def of(cls, title: str, records: Sequence[Mapping[str, JsonValue]]) -> Self:
        """A table of records that have the same keys, the columns."""
        columns = tuple(records[0]) if records else ()
        return cls(title=title, columns=columns, rows=tuple(tuple(each.values()) for each in records))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Its rows with the columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Array(_Plain):
    """Numbers that go into a call, or come out of one, each of them.

    Attributes:
        library: What the notebook is given them as.
        numbers: Nested as the shape says; one number where it has no axis.
    """

    kind: Literal["array"] = "array"
    library: Literal["torch", "numpy"]
    dtype: str
    shape: tuple[int, ...]
    numbers: JsonValue


#: An argument or an answer: an array, or plain data.
Given = Array | JsonValue


class ShownCall(_Plain):
    """One call that a student can make again: what went in, what should have come out, and what did.

    It is worked out when a page asks for it and stands in no verdict: with hidden inputs in them no two
    findings would be alike.

    Attributes:
        group: What the call was to try.
        function: Name in the notebook.
        expected: All of the right answer; None where it is too long, and then `place` says which number.
        any_of: `expected` is a list of answers of which any would have done.
        place: Position of the first wrong number, whose right value is `there`.
        got: What came back in our run, in a few words.
        allowed: How far a number may lie from the expected one.
    """

    kind: Literal["shown_call"] = "shown_call"
    group: str
    function: str
    args: tuple[Given, ...] = ()
    kwargs: dict[str, Given] = Field(default_factory=dict)
    expected: Given = None
    any_of: bool = False
    place: tuple[int, ...] | None = None
    there: float | None = None
    got: str = ""
    allowed: float = 0.0


class ShownShape(_Plain):
    """A network, a shape that goes in, and the shapes that should come out and did.

    Attributes:
        network: Python that gives it at the end of the notebook.
        expected: -1 stands for any length.
        got: None where no tensor came.
    """

    kind: Literal["shown_shape"] = "shown_shape"
    network: str
    given: tuple[int, ...]
    expected: tuple[int, ...]
    got: tuple[int, ...] | None = None


class ShownCount(_Plain):
    """A network, or a layer of it, and how many parameters it should have and has."""

    kind: Literal["shown_count"] = "shown_count"
    network: str
    layer: str = ""
    expected: int
    got: int | None = None


class NotShown(_Plain):
    """Why there is nothing short to make again, as a clause."""

    kind: Literal["not_shown"] = "not_shown"
    why: str


#: What a student can make again at the end of the own notebook.
Shown = ShownCall | ShownShape | ShownCount | NotShown


Exhibit = Annotated[
    Calls
    | DataLanes
    | Names
    | NetworkTable
    | OtherEdition
    | Pair
    | Parts
    | PhotoNotes
    | Prompt
    | RunTimeline
    | Table
    | Window,
    Field(discriminator="kind"),
]

Kind = TypeVar("Kind", bound=_Plain)


def exhibit_of(exhibits: Iterable[object], kind: type[Kind]) -> Kind | None:
    """The first exhibit of a type; None where there is none."""
    return next((exhibit for exhibit in exhibits if isinstance(exhibit, kind)), None)
