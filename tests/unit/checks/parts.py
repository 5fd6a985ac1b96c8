"""A notebook of one given part, (a), that students add cells to, and the judgement on them."""

from __future__ import annotations

from typing import Any

from grader.evidence.record import (
    CellRecord,
)
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from tests import factories
from tests.factories import cell

SECTIONS = {"a": Section(title="a", heading="^Part a"), "b": Section(title="b", heading="^Part b")}
HEADING = cell(0, "# Part a\nHow many of the 10 classes?", kind="markdown", handout_id="h")
GIVEN = cell(1, "print(32)", handout_id="c")
HANDOUT = fingerprint(
    {
        "cells": [
            {"cell_type": each.kind, "source": each.source, "metadata": {"id": each.handout_id}}
            for each in (HEADING, GIVEN)
        ]
    }
)


def judge(check: Check, *cells: CellRecord, section: str | None = "a", **more: Any) -> Judgement:
    evidence = factories.evidence((HEADING, GIVEN, *cells), **more)
    return check.judge(factories.case(check, evidence, sections=SECTIONS, section=section, handout=HANDOUT))
