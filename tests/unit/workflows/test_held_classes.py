"""What is held of a class and follows the history is what is worked out anew, whoever writes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.grading.late import Dates
from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store, open_store
from grader.store.allowances import DatesRecord, ExcuseRecord, ExtensionRecord
from grader.store.groups import GroupRecord
from grader.store.releases import ReleaseRecord
from grader.store.remarks import Remark
from grader.store.roster import PersonRecord
from grader.store.shares import ShareRecord
from grader.workflows.desk.groups import groups_of
from grader.workflows.desk.listing import list_page
from grader.workflows.desk.people import people_view
from grader.workflows.desk.request import request_for
from grader.workflows.desk.requests import requests_after, requests_page
from grader.workflows.desk.roster import keep_roster
from grader.workflows.releasing import changes
from grader.workflows.releasing.preview import Preview, preview_of
from grader.workflows.setting_up.dates import extensions_of
from grader.workflows.setting_up.excusing import excuses_of
from grader.workflows.setting_up.groups import groups_csv, who_hands_in_together
from grader.workflows.setting_up.held import set_up
from grader.workflows.setting_up.meant import whole_class
from grader.workflows.setting_up.share_files import shares_csv
from grader.workflows.setting_up.sharing import who_grades_what
from tests.unit.store.row_by_row import NOW, SIGNED, Course
from tests.unit.store.test_past import LABS, Step, hand_in, labs, new_store, steps, students, write

numbers = st.integers(0, 12)


def release(lab: str, shown: bool) -> Step:
    def step(course: Course) -> None:
        upto = course.history.newest_row() if shown else None
        course.history.release(ReleaseRecord(assignment=lab, upto=upto), SIGNED)

    return step


def show_answers(lab: str) -> Step:
    def step(course: Course) -> None:
        for remark in course.history.remarks(assignment=lab):
            record = ReleaseRecord(assignment=lab, upto=course.history.newest_row(), request=remark.id)
            course.history.release(record, SIGNED)

    return step


def set_dates(lab: str, days: int) -> Step:
    dates = Dates(NOW + timedelta(days=days), None, None, None)
    return lambda course: course.history.set_dates(
        DatesRecord(assignment=lab, **dates._asdict(), reason="x"), SIGNED
    )


def extend(student: str, lab: str, days: int) -> Step:
    until = NOW + timedelta(days=days) if days else None
    record = ExtensionRecord(student=student, assignment=lab, until=until, reason="x")
    return lambda course: course.history.extend(record, SIGNED)


def excuse(student: str, lab: str, excused: bool) -> Step:
    record = ExcuseRecord(student=student, assignment=lab, excused=excused, reason="x")
    return lambda course: course.history.excuse(record, SIGNED)


def share(lab: str, grader: str, theirs: list[str]) -> Step:
    record = ShareRecord(assignment=lab, grader=grader, students=tuple(sorted(set(theirs))), how="x")
    return lambda course: course.history.share(record, SIGNED)


def group(lab: str, name: str, members: list[str]) -> Step:
    record = GroupRecord(assignment=lab, name=name, members=tuple(sorted(set(members))), reason="x")
    return lambda course: course.history.set_group(record, SIGNED)


anybody = st.sampled_from(("s1", "s2", "s3", "login-1"))
of_a_set_up = st.one_of(
    st.builds(extend, anybody, labs, numbers),
    st.builds(excuse, anybody, labs, st.booleans()),
    st.builds(share, labs, st.sampled_from(["ben", "cara"]), st.lists(anybody, max_size=3)),
    st.builds(group, labs, st.sampled_from("gh"), st.lists(anybody, max_size=3)),
    st.builds(hand_in, anybody, labs, st.sampled_from("fg"), st.integers(-3, 12)),
)
of_a_release = st.one_of(
    st.builds(release, labs, st.just(True)),
    st.builds(release, labs, st.booleans()),
    st.builds(show_answers, labs),
    st.builds(set_dates, labs, numbers),
    st.builds(extend, students, labs, numbers),
    st.builds(excuse, students, labs, st.booleans()),
)
#: Each written by this process, or by another that has the same database.
stories = st.lists(st.tuples(st.one_of(steps, of_a_release), st.booleans()), min_size=2, max_size=9)


def held(store: Store, lab: str) -> Preview | str:
    """Only whom rows concern is compared, as in a large class."""
    before, changes._EVERYBODY = changes._EVERYBODY, 0
    try:
        return preview_of(store, lab)
    except UsageError as error:
        return error.what
    finally:
        changes._EVERYBODY = before


def anew(store: Store, lab: str) -> Preview | str:
    """Everybody is compared, by a store that holds nothing yet."""
    with open_store(store.location) as fresh:
        try:
            return preview_of(fresh, lab)
        except UsageError as error:
            return error.what


@settings(max_examples=5, deadline=None)
@given(stories)
def test_a_preview_of_a_release_is_exact_whatever_is_written_since(story: list[tuple[Step, bool]]) -> None:
    with new_store() as store, open_store(store.location) as other:
        for lab in LABS:
            write(store, hand_in("s1", lab, "f", 0))
        for step, elsewhere in story:
            write(other if elsewhere else store, step)
            for lab in LABS:
                found = anew(store, lab)
                assert held(store, lab) == found
                assert isinstance(found, Preview)
                with store.reading() as history:
                    marks = [
                        work.mark
                        for work in history.results(assignment=lab)
                        if work.mark is not None and not work.mark.held
                    ]
                assert found.marks == len(marks)
                assert found.incomplete == sum(mark.pending > 0 for mark in marks)
                assert found.pending == sum(mark.pending for mark in marks)
        store.keep_zone("America/Toronto")
        assert [held(store, lab) for lab in LABS] == [anew(store, lab) for lab in LABS]


def told(store: Store, lab: str) -> list[object]:
    """All that pages show of a set-up."""
    shares = who_grades_what(store, lab)
    extended, excused = extensions_of(store, lab), excuses_of(store, lab)
    together = who_hands_in_together(store, lab)
    return [shares, together, dict(extended), dict(excused), shares_csv(store, lab), groups_csv(store, lab)]


def told_anew(store: Store, lab: str) -> list[object]:
    with open_store(store.location) as fresh:
        return told(fresh, lab)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.one_of(of_a_set_up, steps), st.booleans()), min_size=2, max_size=8))
def test_a_set_up_is_exact_whatever_is_written_since(story: list[tuple[Step, bool]]) -> None:
    entry = RosterEntry(student="s1", login="login-1", name="Ada", section="L1", line=1)
    with new_store() as store, open_store(store.location) as other:
        for lab in LABS:
            write(store, hand_in("s2", lab, "f", 0))
        for place, (step, elsewhere) in enumerate(story):
            writes = other if elsewhere else store
            if place == len(story) // 2:
                keep_roster(writes, roster_from([entry]))
            write(writes, step)
            for lab in LABS:
                assert told(store, lab) == told_anew(store, lab)
                with store.reading() as history, set_up(store, lab) as found:
                    assert found.everybody == whole_class(history, lab)
                    standings = history.standings(lab, list(found.everybody))
                    assert found.waiting == {each.student for each in standings if each.state == "waiting"}
        keep_roster(other, roster_from([RosterEntry(student="s9", section="L2", line=1)]))
        assert [told(store, lab) for lab in LABS] == [told_anew(store, lab) for lab in LABS]


def listed(store: Store, lab: str) -> list[object]:
    """All that pages list of a class, of requests and of the roster, and the marks that sliders go by."""
    asked, more = requests_after(store, lab, 0, 1)
    rest = requests_after(store, lab, asked[-1].id if more else 0, 100)
    with store.reading() as history:
        packed = history.packed_marks(lab)
    return [
        list_page(store, lab),
        list_page(store, lab, anonymous=True, size=1),
        groups_of(store, lab, "b"),
        asked,
        rest,
        [request_for(store, each.id, anonymous=True) for each in asked if _has_verdict(store, each)],
        people_view(store, store, "course"),
        packed,
    ]


def _has_verdict(store: Store, remark: Remark) -> bool:
    """Whether the newest file of who asked was judged, so that their request has a page."""
    with store.reading() as history:
        [work] = history.results(assignment=remark.assignment, students=[remark.student], with_dropped=True)
    return work.attempt is not None and work.mark is not None


def listed_anew(store: Store, lab: str) -> list[object]:
    with open_store(store.location) as fresh:
        return listed(fresh, lab)


@settings(max_examples=5, deadline=None)
@given(stories)
def test_lists_of_a_class_are_exact_whatever_is_written_since(story: list[tuple[Step, bool]]) -> None:
    entries = [RosterEntry(student=f"s{number}", name=f"Ada {number}", line=number) for number in (1, 2, 3)]
    with new_store() as store, open_store(store.location) as other:
        for lab in LABS:
            write(store, hand_in("s1", lab, "f", 0))
        for place, (step, elsewhere) in enumerate(story):
            writes = other if elsewhere else store
            if place == len(story) // 2:
                keep_roster(writes, roster_from(entries))
            write(writes, step)
            for lab in LABS:
                assert listed(store, lab) == listed_anew(store, lab)
                with store.reading() as history:
                    every = history.remarks(assignment=lab)
                    waits = {
                        each.student: [line.criterion for line in each.criteria if line.pending]
                        for each in history.standings(lab, history.students(lab))
                    }
                    assert history.waits_of(lab, history.students(lab)) == {
                        student: names for student, names in waits.items() if names
                    }
                assert requests_after(store, lab, 0, 100) == (every, False)
                assert [each.id for each in every if each.state.is_open] == [
                    each.remark.id for each in requests_page(store, lab).items
                ]
                if elsewhere:
                    assert people_view(store, store, "course").total == len(roster_of(store))
        keep_roster(other, roster_from(entries[:1]))
        assert [listed(store, lab) for lab in LABS] == [listed_anew(store, lab) for lab in LABS]


def roster_of(store: Store) -> list[PersonRecord]:
    with store.reading() as history:
        return history.people()
