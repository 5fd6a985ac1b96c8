"""What went into calls of a function is that attempt's alone, and nobody's while the rubric holds it back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from grader.cli import execute
from grader.evidence.codec import Bundle
from grader.evidence.plan import FunctionProbe, probe_id
from grader.evidence.record import ProbeResult
from grader.evidence.values import IntValue
from grader.sandbox.base import Job
from grader.store import open_store
from grader.store.signed_in import Comer
from grader.web.app import create_app
from grader.web.presence import Presence
from grader.web.roles import Role
from grader.web.sessions import Sessions
from grader.web.site import Place, Site
from grader.workflows.accounts.people import add_account
from grader.workflows.regrading.reference import bundled, load_reference
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import release_marks
from tests import course
from tests.factories import called
from tests.unit.web.test_my_pages import crawled
from tests.web_client import ORIGIN, Client

CLOSES = datetime(2026, 3, 20, tzinfo=UTC)
#: Of five digits, as no other number of these pages, and so small that the right answers have 64 bits.
LOW, HIGH = 30_000, 70_000
RUBRIC = """\
assignment: cubes
title: Cubes
total: 2
cells_to_run: {shown}
remarks: {{remarks_open_until: {closes}}}
criteria:
  - id: cubes
    title: The sum of cubes
    points: 2
    {release}check: function_values
    function: sum_of_cubes
    reference: sum_of_cubes
    groups:
      - name: hidden numbers
        calls: [{{args: [{{kind: integers, low: {low}, high: {high}, container: python}}], count: 3}}]
"""


class Clock:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Drawing:
    """Answers 7 whatever it is asked, with other inputs at each attempt; keeps what it drew."""

    def __init__(self) -> None:
        self.drawn: dict[bytes, list[set[str]]] = {}
        self._seeds = count(1)

    def __call__(self, job: Job) -> Bundle:
        bundle = course.answer(job)
        [probe] = [each for each in job.plan.probes if isinstance(each, FunctionProbe)]
        record = called(probe, lambda n: 7, [], cell=1, seed=next(self._seeds))
        inputs = {value.value for call in record.calls for value in call.args if isinstance(value, IntValue)}
        assert len(inputs) == 3
        self.drawn.setdefault(job.notebook, []).append(set(map(str, inputs)))
        result = ProbeResult(status="ok", record=record)
        return Bundle(bundle.evidence.model_copy(update={"probes": {probe_id(probe): result}}), bundle.arrays)


def graded(folder: Path, patch: pytest.MonkeyPatch, drawing: Drawing, shown: str, release: str = "") -> None:
    """Two students, whose work ran twice each."""
    text = RUBRIC.format(shown=shown, closes=CLOSES.isoformat(), release=release, low=LOW, high=HIGH)
    course.write_rubric(folder / "rubrics", text, "cubes.yaml")
    for student in ("q7001", "q7002"):
        own = f"def sum_of_cubes(n):\n    return 7  # {student}"
        course.hand_in(folder / "submissions", student, raw=course.notebook("# Cubes", own))
    patch.chdir(folder)
    for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
        patch.delenv(name, raising=False)
    patch.setenv("GRADER_USER", "ann")
    patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox(drawing))
    for more in ([], ["--fresh"]):
        assert execute(["run", "submissions", "--rubric", "cubes", "--jobs", "1", *more]) == 0


@pytest.mark.parametrize(
    ("shown", "release", "inputs", "cell"),
    [
        # Of each: before the remark period is over, and after it.
        ("with_report", "", (True, True), (True, True)),
        ("after_remarks", "", (True, True), (False, True)),
        ("with_report", "release: after_remarks\n    ", (False, True), (False, True)),
    ],
)
def test_inputs_are_shown_of_ones_own_newest_attempt_alone_once_the_rubric_lets_them_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    release: str,
    inputs: tuple[bool, bool],
    cell: tuple[bool, bool],
) -> None:
    drawing, clock = Drawing(), Clock()
    graded(tmp_path, monkeypatch, drawing, shown, release)
    theirs = {"q7001" if b"q7001" in raw else "q7002": drawn for raw, drawn in drawing.drawn.items()}
    earlier, newest = theirs["q7001"]
    foreign = earlier.union(*theirs["q7002"])
    reference = load_reference(bundled("reference"))
    with open_store(str(tmp_path / "grader.db"), clock=clock) as store:
        site = Site(store, Sessions(store), Place((ORIGIN,)), reference, Presence(clock), store.course)
        account = add_account(store, "quarterm", Role.STUDENT, student="q7001")

        def sent() -> tuple[bool, bool]:
            """Whether what the student is sent has inputs of their attempt, and the cell with them."""
            client = Client(create_app(site))
            client.cookies[site.place.cookie] = site.sessions.begin(Comer(account=account.id))
            found = crawled(client, work="cubes")
            assert found["/c/course/my/cubes"].status == 200
            text = "".join(answer.text for answer in found.values())
            numbers = set(re.findall(r"(?<![\w.])\d{5}(?![\w.])", text))
            assert numbers & foreign == set()
            return bool(numbers & newest), "_show_it()" in text

        assert sent() == (False, False)
        release_marks(store, "cubes", upto=preview_of(store, "cubes").upto, actor="ann")
        assert sent() == (inputs[0], cell[0])
        clock.now = CLOSES + timedelta(days=1)
        assert sent() == (inputs[1], cell[1])
