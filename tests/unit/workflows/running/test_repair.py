"""Damaged evidence is had again where it still is, byte for byte, and of the rest it is said how."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.store import Store
from grader.store.audit import audit
from grader.workflows.running.repair import repair
from tests import course


def break_blob(store: Store, digest: str, raw: bytes | None) -> None:
    path = Path(store.blobs.place) / digest[:2] / digest[2:]
    path.unlink() if raw is None else path.write_bytes(raw)


@pytest.mark.parametrize("raw", [None, b"", b"\x00something else"])
def test_a_notebook_is_taken_from_where_it_came_and_a_plan_from_its_rubric(
    graded: Store, raw: bytes | None
) -> None:
    with graded.reading() as history:
        first, _ = history.results(assignment="mini")
    break_blob(graded, first.submission.notebook, raw)
    break_blob(graded, first.attempt.plan, raw)
    made = repair(graded)
    assert (len(made.done), made.left) == (2, ())
    assert audit(graded).sound


def test_a_file_that_was_changed_is_not_taken_for_the_one_handed_in(graded: Store, tmp_path: Path) -> None:
    with graded.reading() as history:
        first, _ = history.results(assignment="mini")
    break_blob(graded, first.submission.notebook, None)
    Path(first.submission.path).write_bytes(course.notebook("other = 1"))
    made = repair(graded)
    assert made.done == ()
    assert "s1" in made.left[0]
    assert "--from" in made.left[0]
    course.hand_in(tmp_path / "again", "s1", course.GOOD, "number = 0")
    assert len(repair(graded, tmp_path / "again").done) == 1
    assert audit(graded).sound


def test_of_evidence_it_is_said_how_it_is_recorded_anew(graded: Store) -> None:
    with graded.reading() as history:
        _, second = history.results(assignment="mini")
    break_blob(graded, second.attempt.evidence, None)
    made = repair(graded)
    assert "grader regrade s2 --assignment mini --rerun" in made.left[0]
    assert not audit(graded).sound


def test_what_is_whole_is_left_alone(graded: Store) -> None:
    assert repair(graded) == repair(graded)
    assert repair(graded).done == repair(graded).left == ()
