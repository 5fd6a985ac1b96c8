"""All that is held about a person is given out and erased: every table of the database was thought about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from grader.store import Signature, Store, open_store
from grader.store.account_tables import AccountRow, EnrolmentRow, IdentityRow, SessionRow, SignInLinkRow
from grader.store.accounts import EnrolmentRecord
from grader.store.allowances import ExcuseRecord, ExtensionRecord
from grader.store.api_tables import ApiAnswerRow, ApiTokenRow
from grader.store.audit import audit
from grader.store.flags import FlagRecord
from grader.store.groups import GroupFileRecord
from grader.store.hand_ins import HandInRecord
from grader.store.lti_tables import LtiArrivalRow, SentScoreRow
from grader.store.mails import Mailing, NewMail
from grader.store.models import AttemptRow, Base, JobRow
from grader.store.pauses import QueueAction, QueueOrder
from grader.store.persons import NOBODYS, THEIRS
from grader.store.platforms import SentScore
from grader.store.precheck_tables import PreCheckFileRow, PreCheckRow
from grader.store.roster import PersonRecord
from grader.store.second_run_tables import SecondRunRow
from grader.store.shares import ShareRecord
from grader.store.timeline import _RECORDS
from grader.store.types import ByToken, StudentName, StudentNames, StudentsSeen
from tests.tampering import HISTORY
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, ask
from tests.unit.store.test_erasing import KEYS, WHO, everything, hand_in
from tests.unit.store.test_platforms import SCHOOL

WHO_ASKS = """
is a table in which nobody has looked for persons yet. Does a student stand in it, or an account?
- sealed: type the column StudentName, and put its record into _RECORDS of store/timeline.py;
- unsealed: add whose its rows are to THEIRS of store/persons.py, erase them in store/erasing.py, and put a
  row of it into `beside` below;
- nobody: add it to NOBODYS of store/persons.py, with the reason.
"""
#: Sealed tables of a student that their own history does not list, and why.
NOT_IN_A_TIMELINE = {
    "erasures": "who was erased is asked under their label",
    "groups": "given out beside it, without the others of the group",
    "group_files": "given out beside it, without the others of the group",
    "shares": "who grades whom is the course's affair; the student stands in it by token",
}


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence", clock=lambda: NOW) as opened:
        yield opened


def typed(table: str, *types: type) -> list[str]:
    return [each.name for each in Base.metadata.tables[table].columns if isinstance(each.type, types)]


def test_every_table_was_thought_about() -> None:
    theirs = {model.__tablename__ for model in THEIRS}
    for table in Base.metadata.tables:
        lists = (table in HISTORY) + (table in theirs) + (table in NOBODYS)
        assert lists == 1, f"{table}{WHO_ASKS}"
    assert set(NOBODYS) <= set(Base.metadata.tables)


@pytest.mark.parametrize("table", HISTORY)
def test_who_stands_in_a_sealed_row_stands_there_by_token_and_is_given_the_row(table: str) -> None:
    called = [name for name in Base.metadata.tables[table].columns.keys() if "student" in name]  # noqa: SIM118
    by_token = typed(table, StudentName, StudentNames, StudentsSeen)
    assert set(called) <= set(by_token), f"{table}: a name would be sealed for ever{WHO_ASKS}"
    listed = {model.__tablename__ for model in _RECORDS}
    assert not by_token or table in listed or table in NOT_IN_A_TIMELINE, f"{table}{WHO_ASKS}"


def test_a_path_or_an_author_is_sealed_by_token() -> None:
    assert [(table, typed(table, ByToken)) for table in HISTORY if typed(table, ByToken)] == [
        ("hand_ins", ["file"]),
        ("ledger", ["actor"]),
        ("submissions", ["path"]),
    ]


def sealed(store: Store) -> None:
    """A row of Annabell's in every kind of sealed table that has a student."""
    hand_in(store, "annabell", b"hers", b"her recording")
    hand_in(store, "bertram", b"his", b"his recording")
    with store.writing() as history:
        course = Course(history)
        course.mark_alike(["annabell", "bertram"], "b", 2.0)
        file = HandInRecord(
            student="annabell", assignment=LAB, notebook="0" * 64, sha256="1" * 64, size=3,
            file="annabell.ipynb", way="account", link="", counts=True,
        )  # fmt: skip
        history.receive(file, Signature("annabell", NOW, "handed in"))
        history.flag(
            FlagRecord(student="annabell", assignment=LAB, criterion="b", note="look", raised=True), SIGNED
        )
        history.extend(ExtensionRecord(student="annabell", assignment=LAB, until=NOW, reason="ill"), SIGNED)
        history.excuse(ExcuseRecord(student="annabell", assignment=LAB, excused=False, reason="well"), SIGNED)
        history.share(
            ShareRecord(assignment=LAB, grader="ben", students=("annabell",), how="by hand"), SIGNED
        )
        again = QueueOrder(action=QueueAction.RERUN, assignment=LAB, student="annabell", reason="no data")
        history.order_queue(again, SIGNED)


def sent(student: str, course: str, subject: str) -> SentScore:
    return SentScore(
        platform="school", line_item="c", subject=subject, course=course, student=student, digest="a"
    )


def beside(store: Store) -> set[str]:
    """A row of Annabell's in every unsealed table, and one of Bertram's; gives the tables."""
    here = store.course.name
    store.platforms.add(SCHOOL)
    for student in ("annabell", "bertram"):
        mail = f"{student}@school.example"
        enrolment = EnrolmentRecord(course=here, role="student", student=student)
        account = store.accounts.add(f"{student}-login", mail, enrolment).id
        store.accounts.link_identity(account, "https://login.example", f"subject-{student}")
        store.api_tokens.add(account, f"{student}-token", student, ("read",), course="", until=None)
        [token] = store.api_tokens.everyones(account)
        store.platforms.keep_sent(sent(student, here, f"u-{student}"))
        with store.writing() as history:
            history.set_mailing(Mailing("course@uni.example"))
            history.post_mails([NewMail(f"released lab {student}", student, mail, "marks", student)], NOW)
        ids = {"account": account, "until": NOW}
        with store.database.writing() as session:
            session.add_all([
                SessionRow(id=f"session-{student}", **ids, name="", role="", began=NOW, seen=NOW),
                SignInLinkRow(id=f"link-{student}", **ids, name="", role="", sets_password=False),
                LtiArrivalRow(ticket=f"ticket-{student}", browser="b", **ids, next=f"/my?{student}"),
                ApiAnswerRow(
                    token=token.id, key=student, request="r", status=200, headers="{}",
                    body=f'{{"student": "{student}"}}', began=NOW,
                ),
            ])  # fmt: skip
            job = JobRow(
                student=student, assignment=LAB, notebook="n", plan="p", image="any", state="done",
                run=None, tries=0, error=f"{student} failed", queued_at=NOW, course="", priority=0,
                place=1, gpu=False, token=0, lease_until=None, purpose="",
            )  # fmt: skip
            session.add(job)
            session.flush()
            looked = PreCheckRow(
                job=job.id, student=student, assignment=LAB, came=NOW, file=f"{student}.ipynb",
                state="told", told=f"to {student}", ended=NOW,
            )  # fmt: skip
            session.add(looked)
            session.flush()
            session.add(PreCheckFileRow(pre_check=looked.id, content=f"by {student}".encode()))
            attempt = session.scalars(select(AttemptRow.seq).where(AttemptRow.student == student)).first()
            assert attempt is not None
            session.add(
                SecondRunRow(
                    attempt=attempt, job=job.id, host="h", made=NOW, state="unsteady", seed=1, evidence="",
                    differing=f'[{{"criterion": "b", "title": "B", "first": ["PASS", 1, 0], "second":'
                    f' ["FAIL", 0, 0], "said": "{student} wrote"}}]',
                )
            )  # fmt: skip
    with store.writing() as history:
        history.replace_roster([
            (PersonRecord(student=each, name=each.title(), login=each), [f"id {each}", f"name {each}"])
            for each in ("annabell", "bertram")
        ])  # fmt: skip
    mine = (AccountRow, EnrolmentRow, IdentityRow, SessionRow, SignInLinkRow, LtiArrivalRow, ApiTokenRow)
    mine += (ApiAnswerRow, SentScoreRow, JobRow, PreCheckRow, PreCheckFileRow)
    return {each.__tablename__ for each in mine} | {
        "roster", "roster_keys", "names", "standing", "standing_criteria", "answers", "mails", "second_runs"
    }  # fmt: skip


def test_all_of_it_is_given_out_with_nothing_of_another_and_no_secret(store: Store) -> None:
    sealed(store)
    with store.writing() as history:
        both = ("annabell", "bertram")
        history.note_group_file(
            GroupFileRecord(assignment=LAB, notebook="0" * 64, name="g1", members=both), SIGNED
        )
    assert beside(store) == {model.__tablename__ for model in THEIRS}
    rows = ask(store, lambda history: history.rows_about("annabell", KEYS))
    assert set(rows) == {model.__tablename__ for model in THEIRS} | {"group_files"}
    assert [(each["assignment"], each["group"]) for each in rows["group_files"]] == [(LAB, "g1")]
    said = repr(rows)
    assert "bertram" not in said.lower()
    for secret in ("session-", "link-annabell", "ticket-", "'salt'", "'password'", "'secret'"):
        assert secret not in said
    entries = ask(store, lambda history: history.timeline("annabell", LAB))
    told = {entry.seal.kind for entry in entries}
    kinds = {model.__tablename__ for model in _RECORDS}
    # What is not there is about remark requests, drops and marks of one's own, which other tests have.
    assert kinds - told == {"marks", "remark_requests", "remark_actions", "drops", "releases"}


def test_all_of_it_is_gone_with_an_erasure_and_another_keeps_everything(store: Store) -> None:
    sealed(store)
    beside(store)
    keys = ["id bertram"]
    before = ask(store, lambda history: history.rows_about("bertram", keys))
    with store.writing() as history:
        history.erase("annabell", "asked for by letter", KEYS, WHO)
    store.remove_erased()
    # The name that the account had as an author of tokens and marks went with the account.
    assert "annabell" not in everything(store).lower()
    assert ask(store, lambda history: history.rows_about("bertram", keys)) == before
    report = audit(store)
    assert report.sound, report


def test_who_never_handed_in_is_given_out_and_erased_as_well(store: Store) -> None:
    hand_in(store, "bertram", b"his", b"his recording")
    enrolment = EnrolmentRecord(course=store.course.name, role="student", student="annabell")
    store.accounts.add("annabell-login", "annabell@school.example", enrolment)
    with store.writing() as history:
        history.replace_roster([(PersonRecord(student="annabell", name="Annabell Lee"), KEYS)])
    rows = ask(store, lambda history: history.rows_about("annabell", KEYS))
    assert set(rows) == {"roster", "roster_keys", "accounts", "enrolments"}
    with store.writing() as history:
        assert history.erase("annabell", "asked for", KEYS, WHO) == ""
    assert "annabell" not in everything(store).lower()
    assert audit(store).sound


def test_a_name_in_the_line_that_says_why_a_row_was_written_is_found(store: Store) -> None:
    hand_in(store, "bertram", b"his", b"his recording")
    with store.writing() as history:
        flag = FlagRecord(student="bertram", assignment=LAB, criterion="b", note="look", raised=True)
        history.flag(flag, Signature("ann", NOW, "rubric published: as Annabell asked"))
    [said] = ask(store, lambda history: history.said_of({"Annabell"}))
    assert (said.table, said.column) == ("ledger", "why")


def test_what_a_course_system_took_goes_with_the_account_where_the_work_lies_elsewhere(store: Store) -> None:
    store.platforms.add(SCHOOL)
    enrolment = EnrolmentRecord(course="vision", role="student", student="annabell")
    both = [store.accounts.add(name, "", enrolment).id for name in ("ann", "bea")]
    for course in ("vision", "other"):
        store.platforms.keep_sent(sent("annabell", course, course))
    # Another role in the same course is no farewell.
    store.accounts.enrol(both[0], enrolment)
    assert set(store.platforms.sent("school", "c")) == {"vision", "other"}
    store.accounts.leave(both[0], "vision")
    assert set(store.platforms.sent("school", "c")) == {"other"}
    store.platforms.keep_sent(sent("annabell", "vision", "u"))
    store.accounts.remove(both[1])
    assert set(store.platforms.sent("school", "c")) == {"other"}
