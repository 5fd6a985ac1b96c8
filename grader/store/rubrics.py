"""Rubrics as they judge: with the text that the history keeps of them, and with their handout."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from grader.rubric.model import Rubric
from grader.store.records import RubricText

if TYPE_CHECKING:
    from grader.evidence.record import CellRecord
    from grader.facts.handout import Handout

__all__ = ["LoadedRubric", "RubricMemory"]


@dataclass(frozen=True)
class LoadedRubric:
    """A rubric, its text as it stood in the file, and its handout's fingerprint.

    Attributes:
        name: File name, for messages and the history.
    """

    rubric: Rubric
    name: str
    text: str
    handout: Handout | None = None
    handout_text: str = ""

    @property
    def assignment(self) -> str:
        return self.rubric.assignment

    @cached_property
    def kept(self) -> RubricText:
        """What the history keeps of it."""
        return RubricText(
            digest=self.rubric.digest,
            handout=hashlib.sha256(self.handout_text.encode()).hexdigest() if self.handout_text else "",
            assignment=self.assignment,
            name=self.name,
            text=self.text,
            handout_text=self.handout_text,
        )

    def given_cells(self, cells: Sequence[CellRecord]) -> frozenset[int]:
        """Cells of a submission that are as the handout gave them; none where the rubric has no handout."""
        from grader.facts.sections import align

        if self.handout is None:
            return frozenset()
        return align(cells, self.rubric.sections, self.handout).unchanged


class RubricMemory:
    """Rubrics of a history, each read once: reading one takes longer than most of what is asked of it."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], LoadedRubric] = {}

    def recall(self, record: RubricText) -> LoadedRubric:
        """Rebuilds a rubric from what the history holds.

        Raises:
            RubricError: This version of the grader no longer knows a check or a key of it.
        """
        if record.key not in self._read:
            self._read[record.key] = _read(record)
        return self._read[record.key]


def _read(record: RubricText) -> LoadedRubric:
    from grader.checks import registry
    from grader.facts.handout import parse_handout
    from grader.rubric.loader import load_rubric

    rubric = load_rubric(record.text, registry(), name=record.name)
    handout = parse_handout(record.handout_text, name=record.name) if record.handout_text else None
    return LoadedRubric(rubric, record.name, record.text, handout, record.handout_text)
