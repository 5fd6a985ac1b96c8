"""Thirty TAs at one desk, over the network: what was answered "given" is in the history, sealed, once."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from grader.facts.case import Reference
from grader.store import Store
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.workflows.views.audited import audited
from tests.large_class import ASSIGNMENT, MANUAL, fill

TAS = 30
#: As many as thirty TAs make within an hour, or enough of them for every day.
EACH = 34 if os.environ.get("GRADER_SOAK") else 5
STUDENTS = 400 if os.environ.get("GRADER_SOAK") else 60


@dataclass
class Assistant:
    """One of them, in a browser of their own.

    Attributes:
        given: What the desk said is given: the student's pseudonym, the criterion and points.
        met: How often somebody was faster.
        odd: Answers that nobody expects.
    """

    name: str
    address: str
    link: str
    criterion: str
    given: list[tuple[str, str, float]] = field(default_factory=list)
    met: int = 0
    odd: list[str] = field(default_factory=list)

    def work(self) -> None:
        self._connection = HTTPConnection(urlsplit(self.address).netloc, timeout=120)
        try:
            self._work()
        except Exception as error:  # told by the test, not by a thread that nobody waits for
            self.odd.append(repr(error))
        finally:
            self._connection.close()

    def _work(self) -> None:
        self._cookie = ""
        _, _, cookie = self._ask("GET", self.link)
        self._cookie = cookie.partition(";")[0]
        base = f"/c/grader/a/{ASSIGNMENT}"
        page = f"{base}/grade/{self.criterion}"
        for number in range(EACH):
            status, text, _ = self._ask("GET", page)
            if status != 200 or 'id="give"' not in text:
                self.odd.append(f"{status} {page}")
                return
            names = ("form_token", "student", "seen", "next")
            fields = {name: re.findall(rf'name="{name}" value="([^"]*)"', text)[0] for name in names}
            points = float((number + int(self.name[3:])) % 4)
            form = fields | {"points": f"{points:g}", "comment": f"by {self.name}"}
            status, where, _ = self._ask("POST", f"{base}/give/{self.criterion}", form)
            if status == 303:
                self.given.append((fields["student"], self.criterion, points))
                page = where
            elif status == 409:
                self.met += 1
                page = f"{base}/grade/{self.criterion}?{urlencode({'next': fields['next']})}"
            else:
                self.odd.append(f"{status} {where[:200]}")
                return

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        headers = {"cookie": self._cookie, "origin": self.address}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, None if form is None else urlencode(form), headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        return answer.status, answer.headers.get("location") or text, answer.headers.get("set-cookie", "")


def work_together(store: Store) -> list[Assistant]:
    """All of them at once, five at each question, on a server of its own."""
    with listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening)
        serving = threading.Thread(target=desk.run)
        serving.start()
        origin = desk.place.origins[0]
        links = [desk.link_for(Person(f"ta-{number}", Role.TA)).removeprefix(origin) for number in range(TAS)]
        assistants = [
            Assistant(f"ta-{number}", origin, link, MANUAL[number % len(MANUAL)])
            for number, link in enumerate(links)
        ]
        threads = [threading.Thread(target=each.work) for each in assistants]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.stop()
        serving.join()
    return assistants


def test_no_decision_is_lost_and_none_is_written_twice(tmp_path: Path) -> None:
    with fill(tmp_path, STUDENTS) as store:
        store.name_course("grader")
        assistants = work_together(store)
        assert [said for each in assistants for said in each.odd] == []
        said = Counter(
            (each.name, criterion, points) for each in assistants for _, criterion, points in each.given
        )
        with store.reading() as history:
            results = list(history.results(assignment=ASSIGNMENT))
        written = [
            (decision.by, decision.criterion, decision.points)
            for result in results
            for decision in result.decisions
            if decision.by.startswith("ta-")
        ]
        assert Counter(written) == said
        assert sum(said.values()) + sum(each.met for each in assistants) == TAS * EACH
        # Each was decided by one of those who had it open, the others were told.
        assert (
            max(Counter((student, name) for each in assistants for student, name, _ in each.given).values())
            == 1
        )
        assert audited(store, evidence=False).sound
