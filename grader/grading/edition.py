"""A question of another edition of the lab: what it does not ask for costs nothing."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

from grader.facts.case import Case
from grader.judging.exhibits import OtherEdition
from grader.judging.judgement import Judgement, Status

__all__ = ["of_edition"]


def of_edition(judgement: Judgement, case: Case) -> Judgement:
    """The judgement; where it takes points for a question that is not the one judged by, a TA's."""
    if judgement.status not in (Status.FAIL, Status.PARTIAL) or not _asks_otherwise(case):
        return judgement
    section = case.section or ""
    other = OtherEdition(section=section, title=case.sections[section].title)
    which = f"the question of '{other.title}' in this notebook is of another edition"
    why = f"But {which}, which may not ask for it."
    more: dict[str, Any] = {
        "where": judgement.where,
        "exhibits": (*judgement.exhibits, other),
        "advice": judgement.advice,
    }
    return Judgement.needs_ta(judgement.message, open=why, share=judgement.share, **more)


def _asks_otherwise(case: Case) -> bool:
    """Whether the section's question is there and does not say what it says in the rubric's edition."""
    says = case.sections[case.section].says if case.section is not None else None
    given = list(takewhile(lambda cell: cell.kind == "markdown", case.section_cells()))
    if says is None or any(cell.index in case.alignment.unchanged for cell in given):
        return False
    text = "\n".join(cell.source for cell in given)
    question = "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return bool(question.strip()) and re.search(says, text, re.IGNORECASE) is None
