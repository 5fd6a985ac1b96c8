"""A rubric tried on a class and published: all of it or nothing, sealed, and not undone by an older file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.errors import RefusedError
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.store import Store, WritableHistory
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.publishing.draft import read_draft, standing_rubric
from grader.workflows.publishing.publish import PublishOrder, publish_rubric
from grader.workflows.publishing.trial import try_on_class
from grader.workflows.regrading.chosen_rubric import choose_rubric
from grader.workflows.regrading.regrade_assignment import RegradeRequest, regrade_assignment
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.edited_rubric import marks_at_stake, refusal, supersede
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.recording import Prepared, Recording
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.views.show import find_results, name_of
from tests import course

DEARER = course.RUBRIC.replace("points: 2", "points: 4").replace("total: 5", "total: 7")


def order(store: Store, text: str, reason: str = "it was too cheap") -> PublishOrder:
    standing = standing_rubric(store, "mini")
    draft = read_draft(standing, text, Reference())
    assert draft.loaded is not None, draft.problems
    return PublishOrder(draft.loaded, standing.key, reason, "ann")


def points(store: Store) -> dict[str, float]:
    return {result.student: result.mark.points for result in find_results(store, "mini") if result.mark}


def rows(store: Store) -> int:
    with store.reading() as history:
        return max(history.rubric_numbers()), sum(
            len(history.timeline(name, "mini")) for name in history.students("mini")
        )  # type: ignore[return-value]


def test_a_trial_tells_who_gains_and_writes_nothing(graded: Store) -> None:
    before = rows(graded)
    trial = try_on_class(graded, order(graded, DEARER).loaded, Reference())
    assert [(each.shown, each.before, each.after) for each in trial.gain] == [("s1", 2.0, 4.0)]
    assert trial.lose == () and len(trial.moved) == 1
    [line] = trial.criteria
    assert (line.id, line.gain, line.lose, line.other) == ("builtin-shadowing", 1, 0, 0)
    # Two of five points are 40 %, four of seven 57 %; nothing stays nothing.
    assert trial.before.counts == (1, 0, 0, 0, 1, 0, 0, 0, 0, 0)
    assert trial.after.counts == (1, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    assert rows(graded) == before and points(graded) == {"s1": 2.0, "s2": 0.0}


def test_a_trial_tells_what_begins_to_wait_and_which_marks_no_longer_fit(graded: Store) -> None:
    give_marks(graded, "mini", [MarkOrder("s1", "why", 3.0, "good")], actor="ben")
    text = course.RUBRIC.replace("check: no_builtin_shadowing", "check: manual\n    prompt: look")
    text = text.replace("points: 3", "points: 1").replace("total: 5", "total: 3")
    trial = try_on_class(graded, order(graded, text).loaded, Reference())
    by_id = {line.id: line for line in trial.criteria}
    assert (by_id["builtin-shadowing"].appear, by_id["builtin-shadowing"].vanish) == (2, 0)
    assert by_id["why"].other == 0
    [unfit] = trial.unfit
    assert (unfit.shown, unfit.told) == ("s1", "Says why: ben's mark was of 3: it waits to be given again")


def test_criteria_that_are_new_or_gone_are_said_to_be(graded: Store) -> None:
    text = course.RUBRIC.replace("- id: why\n", "- id: why-not\n")
    trial = try_on_class(graded, order(graded, text).loaded, Reference())
    assert {line.id: line.state for line in trial.criteria} == {"why-not": "new", "why": "gone"}
    assert (trial.appear, trial.vanish) == (2, 2)


def test_a_blind_trial_names_nobody(graded: Store) -> None:
    trial = try_on_class(graded, order(graded, DEARER).loaded, Reference(), anonymous=True)
    assert [each.shown for each in trial.gain] == [name_of(graded, anonymous=True)("s1")]


def test_a_publication_counts_for_everybody_and_is_sealed_with_who_and_why(graded: Store) -> None:
    done = publish_rubric(graded, order(graded, DEARER), Reference())
    assert points(graded) == {"s1": 4.0, "s2": 0.0}
    assert [each.shown for each in done.trial.gain] == ["s1"]
    with graded.reading() as history:
        published = history.published_rubric("mini")
        seals = [history.timeline(student, "mini")[-1].seal for student in ("s1", "s2")]
        assert history.first_break() is None
    assert published is not None
    assert (published.rubric.seq, published.rubric.text) == (done.row, DEARER)
    assert {(seal.actor, seal.why) for seal in seals} == {("ann", "rubric published: it was too cheap")}
    assert standing_rubric(graded, "mini").published == published


def test_marks_by_people_stay(graded: Store) -> None:
    give_marks(graded, "mini", [MarkOrder("s2", "why", 2.5, "good")], actor="ben")
    publish_rubric(graded, order(graded, DEARER), Reference())
    assert points(graded) == {"s1": 4.0, "s2": 2.5}


def test_nothing_is_half_written_where_writing_breaks_off(
    graded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, asked = rows(graded), order(graded, DEARER)
    written = []
    add = WritableHistory.add_verdict

    def breaks(self: WritableHistory, *args: Any, **kwargs: Any) -> Any:
        if written:
            raise KeyboardInterrupt
        written.append(add(self, *args, **kwargs))
        return written[-1]

    monkeypatch.setattr(WritableHistory, "add_verdict", breaks)
    with pytest.raises(KeyboardInterrupt):
        publish_rubric(graded, asked, Reference())
    monkeypatch.undo()
    assert len(written) == 1
    assert rows(graded) == before and points(graded) == {"s1": 2.0, "s2": 0.0}
    assert standing_rubric(graded, "mini").published is None


def test_what_was_compared_with_another_rubric_is_refused(graded: Store) -> None:
    first, second = order(graded, DEARER), order(graded, course.KINDER)
    publish_rubric(graded, first, Reference())
    with pytest.raises(RefusedError, match="ann changed the rubric since"):
        publish_rubric(graded, second, Reference())
    with pytest.raises(RefusedError, match="nothing to publish"):
        publish_rubric(graded, order(graded, DEARER), Reference())
    with pytest.raises(RefusedError, match="a reason"):
        publish_rubric(graded, order(graded, course.KINDER, reason=" "), Reference())
    assert points(graded) == {"s1": 4.0, "s2": 0.0}


def test_a_rubric_that_changes_while_the_class_is_judged_is_refused_too(graded: Store) -> None:
    first, second = order(graded, DEARER), order(graded, course.KINDER)

    def meanwhile(done: int, of: int) -> None:
        if done == of:
            publish_rubric(graded, first, Reference())

    with pytest.raises(RefusedError, match="ann changed the rubric since"):
        publish_rubric(graded, second, Reference(), told=meanwhile)
    assert points(graded) == {"s1": 4.0, "s2": 0.0}


def hand_in(store: Store, folder: Path, student: str, text: str = course.RUBRIC) -> None:
    """A student comes whose notebook a run judges by this text, as its file had it when the run began."""
    course.hand_in(folder / "late" / student, student, course.GOOD)
    loaded = load_rubric_file(course.write_rubric(folder / "as-it-was", text))
    files = [read_file(item) for item in find_submissions(folder / "late" / student).submissions]
    run(
        plan_work(files, lambda _: loaded), store=store, reference=Reference(),
        open_sandbox=course.sandbox, notify=lambda _: None, stop=StopSignal(), actor="grader", jobs=1,
    )  # fmt: skip


def test_whoever_hands_in_while_the_class_is_judged_is_judged_by_it_as_well(
    graded: Store, tmp_path: Path
) -> None:
    came = []

    def meanwhile(done: int, of: int) -> None:
        if not came:
            came.append("s9")
            hand_in(graded, tmp_path, "s9")

    publish_rubric(graded, order(graded, DEARER), Reference(), told=meanwhile)
    assert points(graded) == {"s1": 4.0, "s2": 0.0, "s9": 4.0}


def test_a_run_that_began_before_records_by_what_was_published(graded: Store, tmp_path: Path) -> None:
    publish_rubric(graded, order(graded, DEARER), Reference())
    hand_in(graded, tmp_path, "s9")
    assert points(graded)["s9"] == 4.0
    assert standing_rubric(graded, "mini").loaded.text == DEARER


def test_what_was_judged_before_and_is_written_after_a_publication_is_judged_again(
    graded: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Recording.write
    asked = order(graded, DEARER)

    def publishes_first(self: Recording, result: Prepared) -> bool:
        monkeypatch.undo()
        with graded.writing() as history:
            kept = history.keep_rubric(asked.loaded.kept, _signature(graded))
            [verdict] = [
                row.record
                for row in history.timeline("s1", "mini")
                if type(row.record).__name__ == "VerdictRecord"
            ]
            history.publish_rubric(kept, verdict)
        return write(self, result)

    monkeypatch.setattr(Recording, "write", publishes_first)
    hand_in(graded, tmp_path, "s9")
    assert points(graded)["s9"] == 4.0
    with graded.reading() as history:
        kinds = [type(row.record).__name__ for row in history.timeline("s9", "mini")]
    assert kinds.count("VerdictRecord") == 1, "the end of the run had nothing to put right"


def _signature(store: Store) -> Any:
    from grader.store import Signature

    return Signature("ann", store.clock(), "rubric published: meanwhile")


def request(text_folder: Path, *, yes: bool = False) -> RegradeRequest:
    return RegradeRequest("mini", (), None, None, None, (text_folder,), Reference(), "bob", yes)


def test_an_older_file_does_not_undo_a_publication_unasked(graded: Store, tmp_path: Path) -> None:
    course.write_rubric(tmp_path / "course" / "rubrics")
    publish_rubric(graded, order(graded, DEARER), Reference())
    with pytest.raises(RefusedError, match="published at the desk by ann") as refused:
        regrade_assignment(request(tmp_path / "course"), graded)
    assert "grader rubric show --row" in (refused.value.todo or "")
    tried = regrade_assignment(request(tmp_path / "course"), graded, dry_run=True)
    assert [item.difference for item in tried.changes] == [-2.0, 0.0]
    assert points(graded) == {"s1": 4.0, "s2": 0.0}
    regrade_assignment(request(tmp_path / "course", yes=True), graded)
    assert points(graded) == {"s1": 2.0, "s2": 0.0}
    assert standing_rubric(graded, "mini").published is None


def test_a_file_that_says_what_was_published_judges_as_ever(graded: Store, tmp_path: Path) -> None:
    publish_rubric(graded, order(graded, DEARER), Reference())
    assert "published at the desk by ann" in choose_rubric(graded, "mini", None).said
    course.write_rubric(tmp_path / "course" / "rubrics", DEARER)
    report = regrade_assignment(request(tmp_path / "course"), graded)
    assert all(not item.changes for item in report.changes)


def test_a_run_by_an_older_file_asks_before_it_takes_the_place(graded: Store, tmp_path: Path) -> None:
    publish_rubric(graded, order(graded, DEARER), Reference())
    course.hand_in(tmp_path / "late", "s9", course.GOOD)
    loaded = load_rubric_file(course.write_rubric(tmp_path / "as-it-was"))
    files = [read_file(item) for item in find_submissions(tmp_path / "late").submissions]
    edited = marks_at_stake(plan_work(files, lambda _: loaded), graded, Reference())
    assert edited.touches_marks and edited.assignments == ("mini",)
    said = refusal(edited)
    assert "was published at the desk by ann" in said.what and "--yes" in (said.todo or "")
    supersede(edited, graded)
    with graded.reading() as history:
        assert history.published_rubric("mini") is None
