"""From judged calls to a judgement: groups with weights, the words for them, and their exhibit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grader.facts.calls import Answer, Answers
from grader.facts.known import Fact, Known, Unknown, every
from grader.facts.values.compare import mismatch
from grader.facts.values.plain import Unreadable, jsonable, show
from grader.judging.exhibits import Call, CallGroup, Calls, Window
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["CallFinding", "GroupFinding", "judge_groups"]

_TOLD_CALLS = 3
_KEPT_CALLS = 40
_KEPT_NUMBERS = 64

State = Literal["right", "printed", "wrong", "raised", "unknown"]


@dataclass(frozen=True)
class CallFinding:
    """One call judged; `unknown` where nothing can be said, whatever was found.

    Attributes:
        on: What it stands on, or why it cannot be judged.
        expected: Right answers, any of which would have done.
        credit: Part of its group's points that the call leaves standing.
        text: Expected and found, as a clause; empty for right calls.
        mistake: What went wrong, where that is known.
        note: Worth telling, costs nothing.
    """

    state: State
    answer: Answer
    expected: tuple[Any, ...]
    on: Fact[Answer]
    credit: float = 0.0
    text: str = ""
    mistake: str | None = None
    note: str = ""

    @classmethod
    def right(cls, answer: Answer, expected: Sequence[Any], note: str = "") -> CallFinding:
        if isinstance(answer.seen, Unknown):
            return cls.unknown(answer, expected, answer.seen)
        return cls("right", answer, tuple(expected), answer.seen, credit=1.0, note=note)

    @classmethod
    def printed(cls, answer: Answer, expected: Sequence[Any], credit: float) -> CallFinding:
        text = f"`{answer.call}` prints the right answer and returns None"
        mistake = "it prints instead of returning"
        return cls("printed", answer, tuple(expected), answer.seen, credit, text, mistake)

    @classmethod
    def raised(cls, answer: Answer, expected: Sequence[Any]) -> CallFinding:
        if isinstance(answer.own, Unknown):
            return cls.unknown(answer, expected, answer.own)
        error = answer.error
        raised = "" if error is None else f"{error.type}: {error.message[:160]}".rstrip(": ")
        text = f"`{answer.call}` expected {_either(expected)}, raised {raised}"
        return cls("raised", answer, tuple(expected), answer.own, text=text)

    @classmethod
    def unknown(cls, answer: Answer, expected: Sequence[Any], reason: Unknown) -> CallFinding:
        text = f"`{answer.call}` cannot be judged: {reason.why}"
        return cls("unknown", answer, tuple(expected), reason, text=text)

    @classmethod
    def wrong(cls, answer: Answer, expected: Sequence[Any], mistake: str | None) -> CallFinding:
        if isinstance(answer.own, Unknown):
            return cls.unknown(answer, expected, answer.own)
        found = mismatch(expected[0], answer.got, answer.tolerance)
        single = found.text if found is not None else ""
        several = f"expected {_either(expected)}, got {show(answer.got)}"
        text = f"`{answer.call}` {single if len(expected) == 1 else several}"
        return cls("wrong", answer, tuple(expected), answer.own, text=text, mistake=mistake)

    @property
    def sentence(self) -> str:
        return (
            f"{self.text}: {self.mistake}." if self.mistake and self.state != "printed" else f"{self.text}."
        )

    @property
    def exhibit(self) -> Call:
        """Large arrays are left out, as their shapes stand in the call."""
        return Call(
            call=self.answer.call,
            state=self.state,
            expected=_small(self.expected[0] if len(self.expected) == 1 else list(self.expected)),
            got=_small(self.answer.got),
            mistake=self.mistake,
        )


def _either(values: Iterable[Any]) -> str:
    return " or ".join(show(value) for value in values)


def _small(value: Any) -> Any:
    # Not worth writing out only to see that it is too long.
    if isinstance(value, np.ndarray) and value.size > 4 * _KEPT_NUMBERS:
        return show(value)
    as_data = jsonable(value)
    return as_data if len(str(as_data)) <= _KEPT_NUMBERS * 8 else show(value)


@dataclass(frozen=True)
class GroupFinding:
    """The calls of one group; they earn its weight together."""

    name: str
    weight: float
    calls: tuple[CallFinding, ...]

    @property
    def credit(self) -> float:
        return min(call.credit for call in self.calls)

    @property
    def open(self) -> bool:
        """True where every call that was judged is right, and others could not be judged."""
        judged = [call for call in self.calls if call.state != "unknown"]
        return len(judged) < len(self.calls) and all(call.credit > 0 for call in judged)


def judge_groups(answers: Answers, groups: Sequence[GroupFinding], drawn: Window | None = None) -> Judgement:
    """Adds up the groups: weights of the right ones over all weights.

    Args:
        answers: The calls, for the place of the definition and notes on changing answers.
        groups: All groups; at least one has a weight above 0.
        drawn: One of the calls in numbers.
    """
    constant = _constant(groups)
    judged = judge_parts([_part(group, constant) for group in groups if group.weight > 0])
    calls = Calls(function=answers.name, groups=tuple(map(_group_exhibit, groups)))
    exhibits = (calls,) if drawn is None else (drawn, calls)
    told = {"message": _message(answers, groups), "where": answers.where, "exhibits": exhibits}
    return judged.model_copy(update=told)


def _part(group: GroupFinding, constant: bool) -> PartFinding:
    """A group as a part of the points; `constant` where its right answers are right by chance."""
    doubts = [call.on for call in group.calls if isinstance(call.on, Unknown)]
    known = every(call.on for call in group.calls if isinstance(call.on, Known))
    if group.open or isinstance(known, Unknown):
        why = dict.fromkeys(f"A call of {group.name} cannot be judged: {doubt.why}." for doubt in doubts)
        return PartFinding.waits(group.name, "", open=" ".join(why), weight=group.weight)
    if group.credit >= 1.0 and not constant:
        return PartFinding.right(group.name, "", on=known, weight=group.weight)
    share = 0.0 if constant else group.credit
    return PartFinding.wrong(group.name, "", on=known, weight=group.weight, share=share)


def _constant(groups: Sequence[GroupFinding]) -> bool:
    """Whether the function gives one and the same answer to calls with different right answers."""
    calls = [call for group in groups for call in group.calls]
    if any(call.state not in ("right", "wrong") for call in calls) or len(calls) < 2:
        return False
    if any(_is_opaque(call.answer.got) for call in calls):
        return False
    first = repr(calls[0].answer.got)
    if any(repr(call.answer.got) != first for call in calls[1:]):
        return False
    return len({repr(call.expected[0]) for call in calls if len(call.expected) == 1}) > 1


def _is_opaque(value: Any) -> bool:
    """Whether two such values may differ although evidence holds the same of them."""
    return isinstance(value, Unreadable) or (isinstance(value, list | tuple) and any(map(_is_opaque, value)))


def _message(answers: Answers, groups: Sequence[GroupFinding]) -> str:
    counted = [call for group in groups for call in group.calls]
    right = sum(call.state == "right" for call in counted)
    wrong = [call for call in counted if call.state != "right"]
    if all(call.answer.silent for call in counted):
        return f"`{answers.name}` returns nothing yet."
    printed = [call for call in wrong if call.state == "printed"]
    if wrong and len(printed) == len(wrong):
        told = [_only_printed(answers.name, right, printed)]
    elif not wrong:
        told = [
            f"`{answers.name}` is right in all {right} calls." if right > 1 else f"`{answers.name}` is right."
        ]
    else:
        told = [f"`{answers.name}` is right in {right} of {len(counted)} calls."]
        told += [call.sentence for call in _most_telling(groups)]
        if _constant(groups):
            nothing = all(call.answer.got is None for call in counted)
            told.append(f"It {'returns None for' if nothing else 'gives the same answer to'} every input.")
    notes = [call.note for call in counted if call.note][:1]
    return " ".join([*told, *notes, answers.notes]).strip()


def _only_printed(name: str, right: int, printed: Sequence[CallFinding]) -> str:
    """What to say of a function whose only mistake is to print its answers."""
    credit = min(call.credit for call in printed)
    share = {0.0: "none", 0.5: "half"}.get(credit, f"{credit:.0%}")
    if right:
        other = f"the other {len(printed)} it" if len(printed) > 1 else "the other one it"
        head = f"`{name}` is right in {right} of {right + len(printed)} calls; in {other}"
        return f"{head} prints the right answer, but returns None: {share} of their points."
    calls = f"{len(printed)} of {len(printed)} calls"
    return f"`{name}` prints the right answer in {calls}, but returns None: {share} of the points."


def _most_telling(groups: Sequence[GroupFinding]) -> list[CallFinding]:
    """The first wrong call of each group, those with a known mistake before others of the group."""
    told = []
    for group in groups:
        wrong = [call for call in group.calls if call.state != "right"]
        told += sorted(wrong, key=lambda call: call.mistake is None)[:1]
    return told[:_TOLD_CALLS]


def _group_exhibit(group: GroupFinding) -> CallGroup:
    return CallGroup(
        name=group.name,
        weight=group.weight,
        credit=group.credit,
        calls=tuple(call.exhibit for call in group.calls[:_KEPT_CALLS]),
    )
