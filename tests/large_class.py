"""A class of ten thousand for the desk, filled in minutes: what students wrote differs, the runs are made up.

Nothing is run and nothing is judged: one notebook is judged for a pattern, and others follow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from random import Random
from unittest.mock import patch

from grader.evidence.codec import Bundle, encode
from grader.evidence.record import (
    CellRecord,
    CellRun,
    Environment,
    Evidence,
    Outcome,
    Output,
    ShimKind,
    ShimUse,
    Submitted,
)
from grader.grading.requests import Kind
from grader.grading.verdict import Finding, Verdict
from grader.judging.exhibits import Prompt
from grader.judging.judgement import Status
from grader.store import Signature, Store, WritableHistory, open_store
from grader.store.marks import MarkRecord
from grader.store.records import NewAttempt, RubricRecord, SubmissionRecord
from grader.store.remarks import RemarkRecord
from grader.store.roster import PersonRecord
from grader.workflows.desk.learning import learn_answers
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import release_marks
from tests.web_class import chart

__all__ = ["ASSIGNMENT", "MANUAL", "fill", "student_of"]

ASSIGNMENT = "lab"
MANUAL = tuple(f"question-{number}" for number in range(6))
FOUND = tuple(f"finding-{number}" for number in range(10))
SIGNED = Signature("ann", datetime(2026, 3, 1, 12, tzinfo=UTC), "bench")
_AT_A_TIME = 200
_WORDS = """the loss falls and then rises again because network memorises what it was shown so that a
validation set tells how well it does on images that were not seen while training settings such as rate or
depth are chosen there curves part after some epochs dropout helps batch size matters less""".split()  # noqa: SIM905 - a text is easier to read


def student_of(number: int) -> str:
    return f"s{number:05d}"


def rubric_text() -> str:
    """Sixteen criteria: six that people judge, ten that a program does and sometimes leaves to them."""
    lines = [
        f"assignment: {ASSIGNMENT}",
        "title: A large lab",
        f"total: {3 * len((*MANUAL, *FOUND))}",
        "sections:",
    ]
    lines += [f"  {name}: {{title: {name}, heading: '^{name}$'}}" for name in (*MANUAL, *FOUND)]
    lines.append("criteria:")
    for name in (*MANUAL, *FOUND):
        lines += [f"  - id: {name}", f"    title: {name} is right", "    points: 3", f"    section: {name}"]
        if name in MANUAL:
            lines += ["    check: manual", "    prompt: Any sound reason.", f"    asks: Say *why* {name}."]
        else:
            lines.append("    check: no_builtin_shadowing")
    return "\n".join(lines) + "\n"


def answer_of(random: Random) -> str:
    """What a student writes: mostly their own words, sometimes nothing, sometimes what others wrote."""
    kind = random.random()
    if kind < 0.08:
        return ""
    if kind < 0.16:
        return f"It is the answer number {random.randrange(12)} of the forum, as everybody says."
    return " ".join(random.choices(_WORDS, k=random.randrange(12, 60))) + "."


@lru_cache(maxsize=8)
def _plot(seed: int) -> str:
    return chart(seed, 480, 300)


def cells_of(answers: dict[str, str], seed: int) -> Iterator[CellRecord]:
    """Cells of one notebook: a heading and an answer for each part, code with a plot or a print below."""
    kinds: list[tuple[str, str, tuple[Output, ...]]] = [("markdown", "# A large lab", ())]
    for name in (*MANUAL, *FOUND):
        kinds.append(("markdown", f"# {name}", ()))
        if answers.get(name):
            kinds.append(("markdown", answers[name], ()))
        code = (
            f"value = model({name.replace('-', '_')})\nfor epoch in range(30):\n    step(epoch)\nprint(value)"
        )
        printed = Output(kind="stream", name="stdout", text="\n".join(f"epoch {n}: 0.{n}" for n in range(30)))
        kinds.append(("code", code, (printed,)))
    plot = Output(kind="display_data", text="<Figure>", data={"image/png": _plot(seed % 8)})
    kinds.append(("code", "plt.plot(losses)\nplt.show()", (plot,)))
    for index, (kind, source, outputs) in enumerate(kinds):
        run = CellRun(status="ok", duration_s=0.5, outputs=outputs) if kind == "code" else None
        yield CellRecord(index=index, kind=kind, source=source, run=run, submitted=Submitted(outputs=outputs))


def bundle_of(answers: dict[str, str], number: int) -> Bundle:
    return Bundle(
        Evidence(
            notebook=f"{number:064x}",
            plan="p",
            outcome=Outcome.COMPLETED,
            wall_time_s=1.0,
            cells_s=0.5,
            environment=Environment(sandbox="fake", isolation="fork", image="fake-image"),
            cells=tuple(cells_of(answers, number)),
            shims=(ShimUse(kind=ShimKind.TRAINING_BUDGET),),
        )
    )


def verdict_of(random: Random) -> Verdict:
    """Ten findings of a program and six questions that wait."""
    found = (*(_asked(name) for name in MANUAL), *(_found(random, name) for name in FOUND))
    points, pending = (sum(getattr(item, name) for item in found) for name in ("points", "pending"))
    return Verdict(
        assignment=ASSIGNMENT, findings=found, points=points, out_of=3.0 * len(found), pending=pending
    )


def _asked(name: str) -> Finding:
    return Finding(
        criterion=name, title=f"{name} is answered", status=Status.NEEDS_TA, points=0.0, out_of=3.0,
        pending=3.0, message="A person decides.", exhibits=(Prompt(text="Any sound reason."),),
    )  # fmt: skip


def _found(random: Random, name: str) -> Finding:
    status = random.choice((*[Status.PASS] * 5, Status.FAIL, Status.PARTIAL, Status.NEEDS_TA))
    waits = 3.0 if status is Status.NEEDS_TA else 0.0
    return Finding(
        criterion=name, title=f"{name} is right", status=status,
        points={Status.PASS: 3.0, Status.PARTIAL: 1.5}.get(status, 0.0), out_of=3.0, pending=waits,
        message=f"The answer {random.randrange(10)} stands in cell {random.randrange(30)}, expected was 7.",
        open="It is not known which." if waits else "",
    )  # fmt: skip


def _add(history: WritableHistory, store: Store, number: int, rubric: RubricRecord, random: Random) -> None:
    student = student_of(number)
    bundle = bundle_of({name: answer_of(random) for name in MANUAL}, number)
    history.hand_in(
        SubmissionRecord(
            student=student, assignment=ASSIGNMENT, notebook=bundle.evidence.notebook,
            path=f"{student}/lab.ipynb", submitted_at=None, late=False, problem="",
        ),
        SIGNED,
    )  # fmt: skip
    attempt = history.add_attempt(
        NewAttempt(
            job=number + 1, student=student, assignment=ASSIGNMENT, notebook=bundle.evidence.notebook,
            outcome="COMPLETED", detail="", evidence=store.blobs.put(encode(bundle)), plan="p", image="",
            sandbox="fake", isolation="fork", seed=0, wall_time_s=1.0, cells_s=0.5,
        ),
        SIGNED,
    )  # fmt: skip
    judged = history.add_verdict(
        verdict_of(random), attempt=attempt, rubric=rubric, version="1", signature=SIGNED
    )
    if number % 3 == 0:
        mark = MarkRecord(
            student=student, assignment=ASSIGNMENT, criterion=MANUAL[number % len(MANUAL)],
            points=float(number % 4), comment=("", "Say why.", "Well seen.")[number % 3], verdict=judged.seq,
        )  # fmt: skip
        history.give_mark(mark, SIGNED)
    if number % 50 == 7:
        history.open_remark(
            RemarkRecord(
                student=student, assignment=ASSIGNMENT, criterion=FOUND[number % len(FOUND)],
                kind=Kind.JUDGEMENT, reason="It is right.", sentence="I know.", late_because="",
                points_before=0.0, out_of=3.0, verdict=judged.seq,
            ),
            SIGNED,
        )  # fmt: skip


def _person(number: int) -> PersonRecord:
    columns = dict.fromkeys(PersonRecord.__dataclass_fields__, "")
    return PersonRecord(**columns | {"student": student_of(number), "name": f"Student Number {number}"})


def fill(folder: Path, count: int) -> Store:
    """A store in this folder with so many students, each looked at by `learn_answers`; it is the caller's.

    No file waits for the disk meanwhile: what is filled again at will need not outlive a power cut.
    """
    random = Random(4711)
    (folder / "lab.yaml").write_text(rubric_text())
    loaded = load_rubric_file(folder / "lab.yaml")
    store = open_store(str(folder / "grader.db"), evidence=folder / "evidence")
    with patch("os.fsync"):
        for start in range(0, count, _AT_A_TIME):
            with store.writing() as history:
                rubric = history.keep_rubric(loaded.kept, SIGNED)
                for number in range(start, min(count, start + _AT_A_TIME)):
                    _add(history, store, number, rubric, random)
        people = [_person(number) for number in range(count)]
        with store.writing() as history:
            history.replace_roster([(person, [f"id {person.student}"]) for person in people])
        learn_answers(store, ASSIGNMENT)
        store.keep_zone("Europe/Berlin")
        release_marks(store, ASSIGNMENT, upto=preview_of(store, ASSIGNMENT).upto, actor="ann")
    return store
