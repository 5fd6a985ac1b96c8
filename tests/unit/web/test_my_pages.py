"""A student's own pages: nothing before the release, the report after it, requests with their answers."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.cli import execute
from grader.facts.case import Reference
from grader.grading.requests import Action, State
from grader.intake.roster import RosterEntry, roster_from
from grader.store import Store, open_store
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.presence import Presence
from grader.web.roles import Role
from grader.web.sessions import Person, Sessions
from grader.web.site import Place, Server, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.desk.deciding import Alike, decide_alike
from grader.workflows.desk.flags import raise_flag
from grader.workflows.desk.roster import keep_roster
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import act, decide, find
from grader.workflows.own_work.requests import ask
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import hide_marks, release_marks
from grader.workflows.views.identity import pseudonym
from grader.workflows.views.show import find_results
from tests import course, web_class
from tests.unit.web.test_statements import statements
from tests.web_client import ORIGIN, Answer, Client, in_course

WHY, CURVES, NAMES = web_class.WHY, web_class.CURVES, "builtin-shadowing"
STUDENTS = {
    "q7001": ("Annabella Quartermaine", "quarterm", "annabella.q@uni.example", "ZEBRA"),
    "q7002": ("Bartholomew Ravensworth", "ravenswo", "bart.r@uni.example", "OKAPI"),
    "q7003": ("Clementine Silverstone", "silverst", "clem.s@uni.example", "TAPIR"),
}
GUIDE, PROMPT = "GUIDE-FOR-TAS-ONLY", "PROMPT-FOR-TAS-ONLY"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)


def handed(student: str) -> web_class.Handed:
    """Work in which every part names its animal, and every other part belongs to nobody."""
    animal = STUDENTS[student][3]
    return web_class.Handed(
        student,
        f"Because {animal} said so in **words**.",
        f"sum = 1  # {animal} code\nprint('{animal} printed')",
        f"<b>{animal} shown</b>",
        f"The curve of {animal} rises.",
    )


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    web_class.write_class(folder, [handed(student) for student in STUDENTS])
    rubric = web_class.RUBRIC.replace(
        "    prompt: Settings", f"    guide: {GUIDE}\n    prompt: {PROMPT} Settings"
    )
    opens, closes = "2026-03-12T00:00:00+00:00", "2026-03-20T00:00:00+00:00"
    dates = f"remarks: {{remarks_open_from: {opens}, remarks_open_until: {closes}}}\n"
    course.write_rubric(folder / "rubrics", rubric + dates, "cats.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADER_USER", "ann")
        patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: web_class.sandbox())
        assert execute(["run", "submissions", "--rubric", "cats", "--jobs", "1"]) == 0
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(graded: Path, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    shutil.copy(graded / "grader.db", tmp_path / "grader.db")
    with open_store(
        str(tmp_path / "grader.db"), evidence=graded / "grader.db.evidence", clock=clock
    ) as store:
        entries = [
            RosterEntry(student=id, name=name, login=login, email=mail, line=line)
            for line, (id, (name, login, mail, _)) in enumerate(STUDENTS.items(), start=1)
        ]
        keep_roster(store, roster_from(entries))
        yield Site(store, Sessions(store), Place((ORIGIN,)), Reference(), Presence(store.clock), store.course)


Enter = Callable[[str], Client]


@pytest.fixture
def enter(site: Site) -> Enter:
    """A student's browser, with a new session: those of days ago have ended."""
    app = create_app(site)

    def enter(student: str) -> Client:
        client = Client(app)
        login = STUDENTS[student][1]
        known = site.store.accounts.find(login)
        account = known or add_account(site.store, login, Role.STUDENT, student=student)
        client.cookies[site.place.cookie] = site.sessions.begin(Comer(account=account.id))
        return client

    return enter


def staff(site: Site, role: Role = Role.HEAD_TA, name: str = "cara") -> Client:
    client = Client(create_app(site))
    client.get(f"/login?token={site.sessions.link_for(Person(name, role))}")
    return client


def give(
    store: Store, student: str, points: float, comment: str, criterion: str = WHY, by: str = "ben"
) -> None:
    [result] = find_results(store, "cats", [student])
    order = MarkOrder(student, criterion, points, comment, seen=course.seen_now(result, criterion))
    give_marks(store, "cats", [order], actor=by)


def release(store: Store) -> None:
    release_marks(store, "cats", upto=preview_of(store, "cats").upto, actor="ann")


def send(client: Client, step: str, *fields: tuple[str, str]) -> Answer:
    token = client.get("/my/cats/remark").form_token
    return client.post("/my/cats/remark/send", ("form_token", token), ("step", step), *fields)


def test_before_the_release_a_student_sees_that_it_came_and_nothing_of_the_mark(
    site: Site, enter: Enter
) -> None:
    give(site.store, "q7001", 3.5, "UNRELEASED-COMMENT")
    client = enter("q7001")
    assert client.get("/").headers["location"] == "/c/course/my"
    for path in ("/my", "/my/cats"):
        shown = client.get(path)
        assert shown.status == 200 and "lab.ipynb" in shown.text and "graded" in shown.text
        assert "UNRELEASED" not in shown.text and "3.5" not in shown.text and "Not correct" not in shown.text
    assert client.get("/my/cats/remark").status == 200
    for path in ("/untrusted/my/cats/notebook", "/untrusted/my/cats/report", "/my/none"):
        assert client.get(path).status == 404


def test_after_it_the_page_is_the_report_as_of_the_release(site: Site, enter: Enter, clock: Clock) -> None:
    give(site.store, "q7001", 2.0, "first reader")
    give(site.store, "q7001", 3.5, "second reader", by="cara")
    clock.pass_days(1)
    release(site.store)
    give(site.store, "q7001", 1.0, "UNRELEASED-COMMENT", by="dan")
    client = enter("q7001")
    shown = client.get("/my/cats")
    assert "first reader" in shown.text and "second reader" in shown.text and "UNRELEASED" not in shown.text
    assert re.search(r'class="big">3.5<', shown.text)
    assert "Annabella Quartermaine" not in client.get("/my").text
    assert "ben" not in shown.text and "cara" not in shown.text
    report = client.get("/untrusted/my/cats/report")
    assert report.headers["content-disposition"].startswith("attachment")
    assert "Annabella Quartermaine" in report.text and "second reader" in report.text
    assert "ZEBRA printed" in client.get("/untrusted/my/cats/notebook").text
    # Of criterion and reason, the page says what the file says.
    for part in ("What to look at next", "All criteria", "Criterion by criterion"):
        assert part in shown.text and part in report.text


def test_a_mark_as_of_a_day_is_what_was_shown_then(site: Site, enter: Enter, clock: Clock) -> None:
    give(site.store, "q7001", 2.0, "worth-one")
    release(site.store)
    clock.pass_days(5)
    give(site.store, "q7001", 5.0, "worth-two")
    release(site.store)
    client = enter("q7001")
    assert re.search(r'class="big">5<', client.get("/my/cats").text)
    then = client.get("/my/cats?as_of=2026-03-11").text
    assert re.search(r'class="big">2<', then) and "worth-one" in then
    assert "worth-two" not in then and 'class="ask"' not in then
    assert "Nothing was shown" in client.get("/my/cats?as_of=2026-03-09").text
    assert client.get("/my/cats?as_of=yesterday").status == 404
    hide_marks(site.store, "cats", reason="by mistake", actor="ann")
    assert "Nothing was shown" in client.get("/my/cats?as_of=2026-03-11").text


def test_a_request_goes_from_the_page_to_its_answer(site: Site, enter: Enter, clock: Clock) -> None:
    give(site.store, "q7001", 2.0, "too short")
    release(site.store)
    client = enter("q7001")
    early = send(client, "ask", ("criterion", WHY), ("reason", "see cell 4"), ("accept", "yes"))
    assert early.status == 422 and "2026-03-12" in early.text and "see cell 4" in early.text
    clock.pass_days(3)
    client = enter("q7001")
    assert f"/my/cats/remark?criterion={WHY}" in client.get("/my/cats").text
    form = client.get(f"/my/cats/remark?criterion={WHY}").text
    assert "my mark can go up or down" in form and "anything from 0 to 5" in form
    refused = send(client, "ask", ("criterion", WHY), ("reason", "see cell 4"))
    assert refused.status == 422 and "accept" in refused.text
    # What a TA changed since the release is not what the student asks about.
    give(site.store, "q7001", 1.0, "UNRELEASED-COMMENT", by="dan")
    assert send(client, "ask", ("criterion", WHY), ("reason", "see cell 4"), ("accept", "yes")).status == 303
    with site.store.reading() as history:
        [asked] = history.remarks(assignment="cats")
        assert history.seal(asked.id).actor == asked.opened_by == "q7001"
    assert (asked.points_before, asked.state) == (2.0, State.SUBMITTED)
    assert "waits for a TA" in client.get("/my/cats/remark").text
    desk = staff(site)
    page = desk.get(f"/remarks/{asked.id}")
    assert "Keep the answer back" in page.text
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)[1]
    fields = (
        ("points", "4"),
        ("reason", "you are right"),
        ("seen", seen),
        ("step", "decide"),
        ("keep_back", "yes"),
    )
    assert desk.post(f"/remarks/{asked.id}/settle", ("form_token", page.form_token), *fields).status == 303
    for path in ("/my/cats", "/my/cats/remark"):
        kept = client.get(path).text
        assert "you are right" not in kept and "looks at it" in kept
    late = send(client, "withdraw", ("id", str(asked.id)))
    assert late.status == 422 and "TA is answering this request" in late.text
    page = desk.get(f"/remarks/{asked.id}")
    assert (
        desk.post(f"/remarks/{asked.id}/settle", ("form_token", page.form_token), ("step", "show")).status
        == 303
    )
    answered = client.get("/my/cats").text
    assert "you are right" in answered and re.search(r'class="big">4<', answered)
    assert "UNRELEASED" not in answered and "before: 2" in answered
    again = send(client, "escalate", ("id", str(asked.id)), ("reason", "still not"))
    assert again.status == 303 and find(site.store, asked.id).state is State.ESCALATED
    decide(site.store, asked.id, points=4.5, reason="a last look", actor="eve")
    assert "a last look" in client.get("/my/cats/remark").text
    assert re.search(r'class="big">4.5<', client.get("/my/cats").text)
    clock.pass_days(10)
    over = send(enter("q7001"), "ask", ("criterion", NAMES), ("reason", "late"), ("accept", "yes"))
    assert over.status == 422 and "2026-03-20" in over.text


def test_nobody_acts_on_a_request_of_somebody_else(site: Site, enter: Enter, clock: Clock) -> None:
    release(site.store)
    clock.pass_days(3)
    id = ask(site.store, "cats", "q7002", criterion=NAMES, reason="mine", accepted=True)
    other = enter("q7001")
    missing = send(other, "withdraw", ("id", "99999"))
    foreign = send(other, "withdraw", ("id", str(id)))
    assert foreign.status == missing.status == 422
    assert foreign.text == missing.text
    assert find(site.store, id).state is State.SUBMITTED
    assert send(enter("q7002"), "withdraw", ("id", str(id))).status == 303
    assert find(site.store, id).state is State.WITHDRAWN


def test_who_is_linked_to_no_student_is_told_so(site: Site) -> None:
    client = staff(site, Role.STUDENT, "somebody")
    assert "not linked" in client.get("/my").text
    assert client.get("/my/cats").status == 404


def crawled(client: Client, work: str = "cats") -> dict[str, Answer]:
    """Every page and file that a student's pages lead to, and some that they may guess."""
    guessed = [f"/a/{work}/students", f"/a/{work}/s/q7002", "/remarks/1", "/people", "/queue",
               f"/a/{work}/release", f"/untrusted/a/{work}/s/q7002/notebook", f"/my/{work}?as_of=2026-03-13",
               f"/untrusted/my/{work}/report", f"/untrusted/my/{work}/notebook", "/my/nothing"]  # fmt: skip
    waiting, found = ["/", *guessed], {}
    while waiting:
        path = in_course(waiting.pop())
        if path in found:
            continue
        found[path] = client.ask("GET", path)
        for link in re.findall(r'(?:href|src|action)="([^"#]*)[^"]*"', found[path].text):
            if (
                link.startswith("/")
                and not link.startswith(("/static", "/logout"))
                and not link.endswith("/send")
            ):
                waiting.append(html.unescape(link))
        if "location" in found[path].headers:
            waiting.append(found[path].headers["location"])
    return found


def test_nothing_that_a_student_is_sent_is_anybody_elses_or_for_tas_alone(
    site: Site, enter: Enter, clock: Clock
) -> None:
    store = site.store
    give(store, "q7001", 3.0, "shown to q-one")
    works = find_results(store, "cats", ["q7002", "q7003"])
    alike = [Alike(each.student, course.seen_now(each, WHY)) for each in works]
    decide_alike(store, "cats", WHY, 1.5, "RAVEN-AND-SILVER-ONLY", alike, actor="ben")
    raise_flag(store, "cats", "q7001", WHY, "FLAG-FOR-HEAD-TA", actor="ben")
    release(store)
    clock.pass_days(3)
    for student in STUDENTS:
        ask(store, "cats", student, criterion=WHY, reason=f"{STUDENTS[student][3]} asks", accepted=True)
    give(store, "q7001", 2.0, "UNRELEASED-COMMENT", CURVES)
    with store.reading() as history:
        requests = {each.student: each.id for each in history.remarks(assignment="cats")}
        key = history.own_key()
    decide(store, requests["q7001"], points=4.0, reason="UNRELEASED-ANSWER", actor="cara", show=False)
    act(store, requests["q7002"], Action.REJECT, actor="cara", reason="REJECTED-OF-OKAPI")
    foreign = [GUIDE, PROMPT, "FLAG-FOR-HEAD-TA", "UNRELEASED", "RAVEN-AND-SILVER", "REJECTED-OF"]
    foreign += [
        word for id, words in STUDENTS.items() if id != "q7001" for word in (id, *words, *words[0].split())
    ]
    foreign += [pseudonym(key, student) for student in STUDENTS]
    # Others have looked at all of theirs before, and what was drawn for them is at hand.
    for other in STUDENTS:
        crawled(enter(other))
    found = crawled(enter("q7001"))
    own = {path: answer for path, answer in found.items() if answer.status == 200 and "/my" in path}
    assert {"/c/course/my", "/c/course/my/cats", "/c/course/my/cats/remark"} <= set(own)
    assert {"/c/course/untrusted/my/cats/notebook", "/c/course/untrusted/my/cats/report"} <= set(own)
    for path, answer in found.items():
        sent = f"{answer.headers}\n{answer.text}"
        # Who asks for a page by a name is told that name in no answer, but for one of their own making.
        assert [word for word in foreign if word in sent] == [], path
        assert answer.status == 200 or answer.status in (303, 403, 404, 405), path
    for path, answer in own.items():
        assert answer.headers["cache-control"] == "private, no-store", path
        if "/untrusted/" in path:
            assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        else:
            # What the notebook put out, and prose as it is drawn, are in the frame without an origin.
            assert "ZEBRA shown" not in answer.text and "<strong>words</strong>" not in answer.text
    assert "ZEBRA" in own["/c/course/my/cats"].text
    # The words are really there for those whose they are.
    assert "OKAPI" in "".join(answer.text for answer in crawled(enter("q7002")).values())


def test_what_was_drawn_is_drawn_anew_once_it_would_say_something_else(
    site: Site, enter: Enter, clock: Clock, tmp_path: Path, graded: Path
) -> None:
    def shown() -> str:
        text = client.get("/my/cats").text
        assert client.get("/my/cats").text == text
        return text

    give(site.store, "q7001", 3.5, "FIRST-COMMENT")
    release(site.store)
    clock.pass_days(3)
    client = enter("q7001")
    assert "FIRST-COMMENT" in shown() and "Ask for a remark" in shown()
    assert "FIRST-COMMENT" in client.get("/untrusted/my/cats/report").text
    # Another process, which tells this one nothing.
    with open_store(
        str(tmp_path / "grader.db"), evidence=graded / "grader.db.evidence", clock=clock
    ) as elsewhere:
        give(elsewhere, "q7001", 1.0, "SECOND-COMMENT")
        assert "FIRST-COMMENT" in shown() and "SECOND-COMMENT" not in shown()
        release(elsewhere)
        assert "SECOND-COMMENT" in shown()
        assert "SECOND-COMMENT" in client.get("/untrusted/my/cats/report").text
        ask(elsewhere, "cats", "q7001", criterion=WHY, reason="ASKED-ELSEWHERE", accepted=True)
        assert "ASKED-ELSEWHERE" in shown()
        keep_roster(elsewhere, roster_from([RosterEntry(student="q7001", name="Nova Newname", line=1)]))
        assert "Newname" in client.get("/untrusted/my/cats/report").text
        hide_marks(elsewhere, "cats", actor="ann", reason="wrong")
        assert "COMMENT" not in shown() and "graded" in shown()
        assert client.get("/untrusted/my/cats/report").status == 404
        assert client.get("/untrusted/my/cats/notebook").status == 404
        release(elsewhere)
    assert "SECOND-COMMENT" in shown()
    clock.pass_days(10)
    client = enter("q7001")
    assert "SECOND-COMMENT" in shown() and "Ask for a remark" not in shown()


OWN_PAGES = (
    "/my",
    "/my/cats",
    "/my/cats/remark",
    "/untrusted/my/cats/notebook",
    "/untrusted/my/cats/report",
)


def test_own_pages_ask_little_and_nothing_twice(site: Site, enter: Enter, clock: Clock) -> None:
    release(site.store)
    clock.pass_days(3)
    # Who comes in is written down.
    client, other = enter("q7001"), enter("q7002")
    for path in OWN_PAGES:
        # What is the same for everybody is known once anybody looked.
        other.get(path)
    for path in OWN_PAGES:
        with statements(site.store) as first:
            assert client.get(path).status == 200
        with statements(site.store) as again:
            client.get(path)
        # The session and the page begin a transaction each, and who asks is asked each time.
        assert len(again) <= 3, (path, again)
        assert len(first) <= 8, (path, first)
    site.store.keep_zone("Europe/Berlin")
    for path in OWN_PAGES:
        with statements(site.store) as changed:
            client.get(path)
        assert len(changed) <= 20, (path, changed)


def test_another_course_is_not_there(site: Site, enter: Enter) -> None:
    client = enter("q7001")
    beside = replace(site, course=replace(site.course, name="vision"))
    both = Client(create_app(Server([site, beside])), cookies=client.cookies)
    assert both.ask("GET", "/c/vision/my").status == both.ask("GET", "/c/none/my").status == 404
