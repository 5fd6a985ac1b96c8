"""The rubric page: problems at their lines, a trial, sliders' numbers, and the publication."""

from __future__ import annotations

import dataclasses
import json
import re
import time

import pytest

from grader.reporting.text import number
from grader.store import Store
from grader.web.app import create_app
from grader.web.jobs import Jobs
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.publishing.draft import standing_rubric
from grader.workflows.publishing.points import reckon
from grader.workflows.views.show import find_results, name_of
from tests.unit.web.conftest import SignIn
from tests.web_class import RUBRIC
from tests.web_client import Answer, Client

DEARER = RUBRIC.replace("points: 2", "points: 4").replace("total: 12", "total: 14")
PAGE = "/a/cats/rubric"


def points(store: Store) -> dict[str, float]:
    return {result.student: result.mark.points for result in find_results(store, "cats") if result.mark}


def send(client: Client, path: str, *fields: tuple[str, str]) -> Answer:
    token = client.get(PAGE).form_token
    return client.post(path, ("form_token", token), *fields)


def tried(client: Client, text: str) -> tuple[str, Answer]:
    """Tries a text out and waits until that is over; gives the trial's number and its page."""
    answer = send(client, f"{PAGE}/try", ("text", text), ("step", "try"))
    assert answer.status == 303, answer.text
    job = answer.headers["location"].partition("job=")[2]
    return job, over(client, job)


def over(client: Client, job: str) -> Answer:
    for _ in range(600):
        page = client.get(f"{PAGE}?job={job}")
        assert page.status == 200
        if 'data-over="yes"' in page.text:
            return page
        assert '<noscript><meta http-equiv="refresh"' in page.text
        time.sleep(0.05)
    raise AssertionError("it is never over")


def test_the_page_has_the_text_that_stands(sign_in: SignIn) -> None:
    page = sign_in(Role.HEAD_TA).get(PAGE)
    assert page.status == 200
    sent = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert sent is not None
    assert sent[1].replace("&#34;", '"').replace("&#39;", "'") == RUBRIC


def test_problems_are_told_at_their_lines_and_nothing_is_judged(sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA)
    wrong = RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowed")
    answer = send(client, f"{PAGE}/try", ("text", wrong), ("step", "try"))
    assert answer.status == 422
    assert 'data-goto="12">Line 12</a>' in answer.text
    assert "did you mean &#39;no_builtin_shadowing&#39;?" in answer.text
    assert "no_builtin_shadowed</code>" in answer.text
    told = json.loads(send(client, f"{PAGE}/live", ("text", wrong)).text)
    assert [each["line"] for each in told["problems"]] == [12]
    assert told["job"] is None


def test_a_trial_shows_who_gains_and_changes_nothing(site: Site, sign_in: SignIn) -> None:
    before = points(site.store)
    _, page = tried(sign_in(Role.HEAD_TA), DEARER)
    assert "Who gains" in page.text and "Who loses" not in page.text
    assert 'href="/c/course/a/cats/s/s1001"' in page.text
    assert points(site.store) == before
    assert 'id="confirm"' in page.text


def test_a_blind_ta_tries_by_pseudonyms_and_publishes_nothing(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.TA, "ben")
    job, page = tried(client, DEARER)
    assert name_of(site.store, anonymous=True)("s1001") in page.text
    assert not re.search(r"s100\d", page.text)
    assert 'id="confirm"' not in page.text
    assert client.get(f"{PAGE}/confirm?job={job}").status == 403
    assert send(client, f"{PAGE}/publish", ("job", job), ("reason", "x")).status == 403
    state = client.get(f"{PAGE}/state?job={job}")
    assert state.status == 200 and not re.search(r"s100\d", state.text)


def test_a_trial_is_its_owners_own(sign_in: SignIn) -> None:
    job, _ = tried(sign_in(Role.HEAD_TA, "cara"), DEARER)
    for path in (f"{PAGE}?job={job}", f"{PAGE}/state?job={job}", f"{PAGE}/confirm?job={job}"):
        assert sign_in(Role.INSTRUCTOR, "ann").get(path).status == 404, path


def test_what_is_published_was_confirmed_with_a_reason_and_counts_at_once(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.INSTRUCTOR)
    job, _ = tried(client, DEARER)
    asked = client.get(f"{PAGE}/confirm?job={job}")
    assert asked.status == 200
    changed = {student for student, each in points(site.store).items() if each}
    assert set(re.findall(r"/s/(s\d+)\"", asked.text)) == changed
    assert send(client, f"{PAGE}/publish", ("job", job), ("reason", " ")).status == 422
    assert standing_rubric(site.store, "cats").published is None
    answer = send(client, f"{PAGE}/publish", ("job", job), ("reason", "worth more"))
    page = over(client, answer.headers["location"].partition("job=")[2])
    assert "Published." in page.text and "grader rubric show --row" in page.text
    assert set(points(site.store).values()) == {0.0, 4.0}
    published = standing_rubric(site.store, "cats").published
    assert published is not None and published.rubric.text == DEARER
    assert published.seal.actor == "ann" and published.seal.why.endswith("worth more")
    again = client.get(PAGE)
    assert "points: 4" in again.text and "published at the desk by ann" in again.text.replace("P", "p")


def test_what_was_tried_against_another_rubric_is_not_published(site: Site, sign_in: SignIn) -> None:
    first, second = sign_in(Role.HEAD_TA, "cara"), sign_in(Role.INSTRUCTOR, "ann")
    job, _ = tried(first, DEARER)
    other, _ = tried(second, RUBRIC.replace("points: 2", "points: 1").replace("total: 12", "total: 11"))
    done = send(second, f"{PAGE}/publish", ("job", other), ("reason", "cheaper"))
    over(second, done.headers["location"].partition("job=")[2])
    before = points(site.store)
    refused = first.get(f"{PAGE}/confirm?job={job}")
    assert refused.status >= 400 and "changed the rubric since" in refused.text
    late = send(first, f"{PAGE}/publish", ("job", job), ("reason", "dearer"))
    page = over(first, late.headers["location"].partition("job=")[2])
    assert "changed the rubric since you compared with it" in page.text
    assert points(site.store) == before


def test_code_does_not_come_by_a_page(site: Site, sign_in: SignIn) -> None:
    text = RUBRIC.replace("check: no_builtin_shadowing", "check: python\n    function: theirs")
    answer = send(sign_in(Role.INSTRUCTOR), f"{PAGE}/try", ("text", text), ("step", "try"))
    assert answer.status == 422
    assert "brings code" in answer.text and "course&#39;s folder" in answer.text


def test_other_points_are_reckoned_by_a_request_and_written_into_the_text(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.HEAD_TA)
    other = {"builtin-shadowing": 6.0, "why-validation": 5.0, "curves-described": 5.0}
    fields = [(f"w.{name}", f"{each:g}") for name, each in other.items()]
    answer = send(client, f"{PAGE}/try", ("text", "mine: still"), ("step", "reckon"), *fields)
    expected = reckon(site.store, "cats", other)
    assert answer.status == 200
    assert "mine: still" in answer.text
    assert f'id="gain">{expected.gain}<' in answer.text and expected.gain > 0
    assert f'id="mean-after">{number(expected.after.mean)}<' in answer.text
    written = send(client, f"{PAGE}/try", ("text", RUBRIC), ("step", "points"), *fields)
    assert written.status == 303
    page = over(client, written.headers["location"].partition("job=")[2])
    assert "points: 6" in page.text and "total: 16" in page.text
    wrong = send(client, f"{PAGE}/try", ("text", RUBRIC), ("step", "reckon"), ("w.why-validation", "many"))
    assert wrong.status == 422


def test_shares_tell_every_mark_and_nobody(site: Site, sign_in: SignIn) -> None:
    answer = sign_in(Role.TA, "ben").get(f"{PAGE}/shares")
    assert answer.status == 200
    head = json.loads(answer.text.partition("\n")[0])
    [class_] = head
    assert class_["criteria"] == ["builtin-shadowing", "why-validation", "curves-described"]
    assert class_["out_of"] == [2.0, 5.0, 5.0]
    assert class_["bytes"] == 8 * 2 * (2 + 2 * 3)
    assert not re.search(r"s100\d", answer.text)


@pytest.mark.parametrize("role", [Role.AUDITOR])
def test_an_auditor_tries_nothing(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).get(PAGE).status == 403


def test_a_text_outlives_the_server_that_it_was_tried_in(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    job, _ = tried(client, DEARER)
    # Another server on the same database.
    client.app = create_app(dataclasses.replace(site, jobs=Jobs()))
    page = client.get(f"{PAGE}?job={job}")
    assert page.status == 200 and "no longer here" in page.text and "points: 4" in page.text
    assert client.get(f"{PAGE}/state?job={job}").status == 404
    for answer in (
        client.get(f"{PAGE}/confirm?job={job}"),
        send(client, f"{PAGE}/publish", ("job", job), ("reason", "x")),
    ):
        assert (answer.status, answer.headers["location"]) == (303, f"/c/course{PAGE}?job={job}")
    offered = client.get(PAGE).text
    assert "Your text that you tried on" in offered and "points: 4" not in offered
    assert "points: 4" in client.get(f"{PAGE}?draft=kept").text
    assert "Your text that you tried on" not in sign_in(Role.HEAD_TA, "dan").get(PAGE).text
    assert send(client, f"{PAGE}/forget").status == 303
    assert "Your text that you tried on" not in client.get(PAGE).text
    assert client.get(f"{PAGE}?job={job}").status == 404


def test_what_is_published_is_no_draft_any_more(sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR, "ann")
    job, _ = tried(client, DEARER)
    done = send(client, f"{PAGE}/publish", ("job", job), ("reason", "worth more"))
    over(client, done.headers["location"].partition("job=")[2])
    assert "Your text that you tried on" not in client.get(PAGE).text
    # What is tried and stands already is none either.
    send(client, f"{PAGE}/try", ("text", DEARER), ("step", "try"))
    assert "Your text that you tried on" not in client.get(PAGE).text
