"""What each page of the desk costs at ten thousand submissions, beside a static page of the same bytes.

Usage: pages.py [COUNT [FOLDER [PARTS]]]

Fills a database with COUNT submissions of one assignment (in FOLDER, where it may be left from an earlier
run), starts the server in a process of its own, and asks every page of the route table over loopback, in turn
with bytes of the same length that the same server has at hand. The students change from request to request,
so that no page of the staff is asked twice; students' own pages are asked by students in turn, after a
release, of whom there are GRADER_BENCH_STUDENTS: with more of them than requests nobody looks twice.

Held to the target are the 95th percentiles of both, in ratio: `MOST` for a page. After each page there is a
pause, in which the server makes the next one ready, so that this work falls on neither. Beside them stands
the processor's time of the server, that work included, while nobody else asks, in ratio as well; with
GRADER_BENCH_CPU=1 that alone is held to the target, and nobody else asks at any time.

What a key asks of the server stands in the same table, without a target: the page of the next item (`n`), and
points answered with the page of the next. The script asks for the next item before the key (`n`, ahead) and
again once it is shown. How long somebody waits who presses a key is measured in a browser (`keys.py`) while
others ask, in a table of its own; it is left out with GRADER_BENCH_CPU=1.

A page that takes long is asked less often, so that each takes GRADER_BENCH_PAGE_S seconds at most, or
little more; with PARTS, as ``my,compare``, only those are asked whose addresses have one of them. The table
comes last, the furthest above its limit first; a page that was answered otherwise than expected is named
below it.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count as counting
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode, urlsplit

from litestar import MediaType, Response, get
from litestar.params import FromPath

from grader.facts.case import Reference
from grader.store import Store, open_store
from grader.store.signed_in import Comer
from grader.web.app import routes_of
from grader.web.guards import SAFE, handlers_of, permission_of, permits
from grader.web.pages import ROUTES
from grader.web.rendering import asset
from grader.web.roles import Permission, Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.workflows.accounts.people import add_account
from tests.benchmarks.keys import Pressed, press_keys, pressed_table
from tests.large_class import ASSIGNMENT, FOUND, MANUAL, fill, student_of

#: How many times as long as a static page of the same bytes may a page take.
MOST = 3.0
#: Requests of each page, after some that warm up (each criterion once, since the first sorts the class);
#: requests a second of others meanwhile.
TIMES, WARM, OTHERS = int(os.environ.get("GRADER_BENCH_TIMES", "60")), 20, 20
#: Whether the processor's time alone is held to the targets, as on a machine that others load.
BY_CPU = bool(os.environ.get("GRADER_BENCH_CPU"))
#: Seconds between two keys of whoever grades as fast as they can.
PAUSE_S = 0.05
#: Seconds without a request after which a connection may be closed.
IDLE_S = 2.0
#: So many students look at their own pages.
STUDENTS = int(os.environ.get("GRADER_BENCH_STUDENTS", "25"))
#: Seconds that one page may take in all, and how often each is asked however long it takes.
PAGE_S, FEWEST = float(os.environ.get("GRADER_BENCH_PAGE_S", "12")), 5


@get("/bench/bytes/{size:int}", opt=permits(Permission.SIGNED_IN), sync_to_thread=False)
def static(size: FromPath[int]) -> Response[str]:
    """So many bytes that need no work."""
    return Response("x" * size, media_type=MediaType.HTML)


@get("/bench/cpu", opt=permits(Permission.PUBLIC), sync_to_thread=False)
def spent() -> float:
    """Seconds of the processor that the server has used."""
    return time.process_time()


def serve(folder: str, told: Connection) -> None:
    """The server's process: says where it is and how to sign in, then answers until it is ended."""
    with open_store(f"{folder}/grader.db", create=False) as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, pages=(static, spent))
        below = f"/c/{desk.courses.home.course.name}"
        links = [desk.link_for(Person(name, Role.INSTRUCTOR)) for name in ("ann", "ben")]
        told.send((desk.place.origins[0], links, below, desk.place.cookie, signed_in(desk, store)))
        desk.run()


def signed_in(desk: Opened, store: Store) -> list[str]:
    """Sessions of some students."""
    sessions = []
    for student in map(student_of, range(STUDENTS)):
        account = store.accounts.find(student) or add_account(store, student, Role.STUDENT)
        sessions.append(desk.sessions.begin(Comer(account=account.id)))
    return sessions


@dataclass
class Browser:
    """One connection that is kept open, signed in."""

    origin: str
    link: str
    below: str
    cookie: str = ""
    connection: HTTPConnection = field(init=False)
    asked: float = 0.0

    def __post_init__(self) -> None:
        self.connection = HTTPConnection(urlsplit(self.origin).netloc)
        if self.link:
            self.connection.request("GET", urlsplit(self.link).path + "?" + urlsplit(self.link).query)
            answer = self.connection.getresponse()
            answer.read()
            self.cookie = str(answer.headers["set-cookie"]).partition(";")[0]

    def beside(self, cookie: str = "") -> Browser:
        """Another connection, of the same person unless there is another cookie."""
        return Browser(self.origin, "", self.below, cookie or self.cookie)

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[float, int, str]:
        """Seconds until the whole answer was here, the status, and the text or where it points to."""
        headers = {"cookie": self.cookie, "origin": self.origin}
        body = None
        if fields is not None:
            body, headers["content-type"] = urlencode(fields), "application/x-www-form-urlencoded"
        method = "GET" if body is None else "POST"
        if time.perf_counter() - self.asked > IDLE_S:
            self.wake()
        began = self.asked = time.perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        took = time.perf_counter() - began
        return took, answer.status, answer.headers.get("location", text)

    def wake(self) -> None:
        """Connects anew, as the server may have closed a connection on which nobody asked for a while."""
        self.connection.close()
        self.connection.connect()

    def cpu(self) -> float:
        return float(self.ask(f"{self.below}/bench/cpu")[2])


class AnsweredOtherwiseError(Exception):
    """A page was not what is to be measured."""


Ask = Callable[[], tuple[float, int]]
"""Seconds that something took, and the bytes that came."""


@dataclass(frozen=True)
class Cost:
    """One page: p95 in ms of it and of a static one, their medians' ratio, CPU ms of both, bytes.

    Attributes:
        most: How many times a static page it may take; None where nothing is asked of it.
    """

    name: str
    most: float | None
    p95: float
    static_p95: float
    half: float
    cpu: float
    static_cpu: float
    size: int

    @property
    def ratio(self) -> float:
        return self.p95 / self.static_p95

    @property
    def cpu_ratio(self) -> float:
        return self.cpu / self.static_cpu

    @property
    def held(self) -> float:
        """By how much it is above (over 1) or below what it may take."""
        return (self.cpu_ratio if BY_CPU else self.ratio) / self.most if self.most else 0.0


@dataclass
class Others:
    """What others ask meanwhile, in a thread; while `quiet` is set nobody does."""

    browser: Browser
    addresses: Iterator[str]
    ended: threading.Event = field(default_factory=threading.Event)
    quiet: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        # At chance: in step with the pauses they would meet the page each time, and the static one never.
        while not self.ended.wait(random.expovariate(OTHERS)):
            if not self.quiet.is_set():
                self.browser.ask(next(self.addresses))


def measure(name: str, most: float | None, browser: Browser, ask: Ask, others: Others) -> Cost:
    """Asks a page and a static one of the same bytes in turn, then each by itself for its CPU time.

    Args:
        name: What it is.
        most: How many times a static page it may take, if that is asked of it.
        browser: By whom the static page is asked.
        ask: Asks the page.
        others: Are quiet while CPU time is taken.
    """

    def bare(size: int) -> float:
        return browser.ask(f"{browser.below}/bench/bytes/{size}")[0]

    began, warm = time.perf_counter(), list[float]()
    while len(warm) < WARM and (len(warm) < 2 or time.perf_counter() - began < PAGE_S / 4):
        took, size = ask()
        warm.append(took + bare(size))
    times = max(FEWEST, min(TIMES, int(PAGE_S / 4 / median(warm))))
    page, still, size = [], [], 0
    for _ in range(times):
        took, size = ask()
        page.append(took)
        time.sleep(PAUSE_S)
        still.append(bare(size))
    others.quiet.set()
    time.sleep(2 / OTHERS)
    nothing = [-browser.cpu() + browser.cpu() for _ in range(times)]
    cpu, bare_cpu = [], []
    for _ in range(times):
        before = browser.cpu()
        ask()
        time.sleep(PAUSE_S)
        between = browser.cpu()
        bare(size)
        bare_cpu.append(browser.cpu() - between)
        cpu.append(between - before)
    others.quiet.clear()
    costs = (middle(each) - middle(nothing) for each in (cpu, bare_cpu))
    return Cost(name, most, p95(page), p95(still), middle(page) / middle(still), *costs, size)


def middle(seconds: list[float]) -> float:
    return 1000 * median(seconds)


def p95(seconds: list[float]) -> float:
    return 1000 * quantiles(seconds, n=20)[-1]


def pages(folder: Path, count: int) -> Iterator[tuple[str, Permission | None, Iterator[str]]]:
    """Every page of the route table with its permission and addresses to ask, each of another student."""
    numbers = (7 * number % count for number in counting(1))
    criteria = cycle((*MANUAL, *FOUND))
    files = cycle(("desk.css", "desk.js", "page.css"))
    with open_store(str(folder / "grader.db"), create=False) as store:
        with store.reading() as history:
            remarks = [str(remark.id) for remark in history.remarks(assignment=ASSIGNMENT)]
            rows = history.open_rows(ASSIGNMENT)
        wanted = cycle(remarks)
        alike = cycle(dict.fromkeys((row.criterion, row.alike) for row in rows if row.criterion in FOUND))
        with listen("127.0.0.1", 0) as listening:
            desk = Opened(store, Reference(), listening)
            course = desk.courses.home.course.name
            paths = [
                (path, permission_of(handler))
                for path, handler in handlers_of(routes_of(ROUTES, desk.courses))
                if handler.http_methods & SAFE
            ]

    def filled(path: str) -> Iterator[str]:
        while True:
            name, group = next(files), next(alike)
            told = {
                "{course:str}": course,
                "{assignment:str}": ASSIGNMENT, "{criterion:str}": next(criteria), "{id:int}": next(wanted),
                "{student:str}": student_of(next(numbers)), "{version:str}": asset(name).version,
                "{name:str}": name,
            }  # fmt: skip
            if "/alike/" in path:
                told["{criterion:str}"] = group[0]
            made = path
            for part, text in told.items():
                made = made.replace(part, text)
            if "/grade/" in path:
                made += f"?student={student_of(next(numbers))}"
            if path.endswith("/compare"):
                made += f"?left={student_of(next(numbers))}&right={student_of(next(numbers))}"
            yield made + (f"?group={group[1]}" if "/alike/" in path else "")

    for path, permission in paths:
        yield path, permission, filled(path)


def asked(browser: Browser, addresses: Iterator[str]) -> Ask:
    def ask() -> tuple[float, int]:
        address = next(addresses)
        took, status, text = browser.ask(address)
        # Ways to sign in are refused, or not there, where a course has no accounts.
        if status not in ((200, 303) if address.startswith("/c/") else (200, 303, 401, 404, 429)):
            raise AnsweredOtherwiseError(f"{address} was answered with {status}")
        return took, len(text.encode())

    return ask


def turning(browser: Browser, criterion: str) -> Ask:
    """The key `n`: from each item to the next one that its page names."""
    address = [f"{browser.below}/a/{ASSIGNMENT}/grade/{criterion}"]

    def ask() -> tuple[float, int]:
        took, _, text = browser.ask(address[0])
        address[0] = re.findall(r'id="next" href="([^"]+)"', text)[0].replace("&amp;", "&")
        return took, len(text.encode())

    return ask


def giving(browser: Browser, criterion: str) -> Ask:
    """A key of points: the form as our script sends it, answered with the next page."""
    base = f"{browser.below}/a/{ASSIGNMENT}/"
    text: list[str] = []

    def ask() -> tuple[float, int]:
        if not text:
            text.append(browser.ask(f"{base}grade/{criterion}")[2])
        names = ("form_token", "student", "seen", "next")
        if 'name="form_token"' not in text[0]:
            raise AnsweredOtherwiseError("nobody waits any more: take a larger class, or fewer repeats")
        fields = {name: re.findall(rf'name="{name}" value="([^"]*)"', text[0])[0] for name in names}
        sent = fields | {"points": "2", "comment": "", "answer": "page"}
        took, status, text[0] = browser.ask(f"{base}give/{criterion}", sent)
        assert status == 200, (status, text[0][:500])
        return took, len(text[0].encode())

    return ask


def asked_by(browsers: Iterator[Browser], addresses: Iterator[str]) -> Ask:
    """Pages of their own, asked by one student after another."""

    def ask() -> tuple[float, int]:
        return asked(next(browsers), addresses)()

    return ask


def mixed(folder: Path, count: int) -> Iterator[str]:
    """What TAs look at, again and again."""
    looked = [made for path, _, made in pages(folder, count) if "/grade/" in path or "/answer/" in path]
    while True:
        for made in looked:
            yield next(made)


def table(costs: list[Cost]) -> str:
    """In Markdown."""
    lines = ["| page | bytes | p95 ms | static | times | median | CPU ms | static | times | may be | holds |"]
    lines.append("|---|---|---|---|---|---|---|---|---|---|---|")
    for each in costs:
        lines.append(
            f"| `{each.name}` | {each.size:,} | {each.p95:.1f} | {each.static_p95:.1f} | {each.ratio:.1f} |"
            f" {each.half:.1f} | {each.cpu:.1f} | {each.static_cpu:.1f} | {each.cpu_ratio:.1f} |"
            f" {f'{each.most:g}' if each.most else '-'} | {'yes' if each.held <= 1 else '**no**'} |"
        )
    return "\n".join(lines)


def measure_all(folder: Path, count: int, only: str) -> tuple[list[Cost], list[Pressed], list[str]]:
    """What each page costs, how long keys take, and which could not be measured."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(str(folder), theirs))
    server.start()
    others: Others | None = None
    try:
        origin, (link, again), below, cookie, sessions = ours.recv()
        browser = Browser(origin, link, below)
        students = cycle([browser.beside(f"{cookie}={session}") for session in sessions])
        others = Others(browser.beside(), mixed(folder, count))
        for criterion in (*MANUAL, *FOUND):
            # Whoever asks first waits until the class is sorted by it; the server remembers that.
            browser.ask(f"{below}/a/{ASSIGNMENT}/grade/{criterion}")
        if not BY_CPU:
            threading.Thread(target=others.ask, daemon=True).start()
        wanted: list[tuple[str, float | None, Ask]] = [
            (
                path,
                MOST,
                asked_by(students, made) if permission is Permission.OWN_WORK else asked(browser, made),
            )
            for path, permission, made in pages(folder, count)
        ]
        wanted.append(("server: key n", None, turning(browser, MANUAL[1])))
        wanted.append(("server: key of points", None, giving(browser, MANUAL[2])))
        costs, others_said = list[Cost](), list[str]()
        for name, most, ask in wanted:
            if not any(part in name for part in only.split(",")):
                continue
            try:
                costs.append(measure(name, most, browser, ask, others))
            except AnsweredOtherwiseError as error:
                others_said.append(f"{name}: {error}")
                continue
            sys.stderr.write(table(costs[-1:]).splitlines()[-1] + "\n")
        pressed = list[Pressed]()
        if not BY_CPU and any(part in "keys" for part in only.split(",")):
            at = f"{below}/a/{ASSIGNMENT}/grade"
            pressed = press_keys(
                origin, again, (f"{at}/{MANUAL[3]}", f"{at}/{MANUAL[4]}"), f"{origin}{below}"
            )
        return costs, pressed, others_said
    finally:
        if others is not None:
            others.ended.set()
        server.terminate()
        server.join(10)
        server.kill()
        server.join()


def main(count: str = "10000", folder: str = "", only: str = "") -> int:
    """Prints the table, and fails where a page takes longer than it may."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(folder or name)
        if not (place / "grader.db").exists():
            fill(place, int(count)).close()
        costs, pressed, unmeasured = measure_all(place, int(count), only)
    costs.sort(key=lambda cost: cost.held, reverse=True)
    missing = [f"not measured: {each}" for each in unmeasured]
    sys.stdout.write("\n".join([table(costs), *missing, "", pressed_table(pressed), ""]))
    slow = [each.name for each in (*costs, *pressed) if each.held > 1]
    if slow:
        raise SystemExit(f"too slow at {count} submissions: {', '.join(slow)}")
    if unmeasured:
        raise SystemExit(f"{len(unmeasured)} pages could not be measured")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
