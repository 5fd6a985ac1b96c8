"""Garbage in a row gets plain words in every command and page, and costs nobody else anything."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from grader.cli.app import app
from grader.store import Store, open_store
from grader.store.damage import damages
from grader.store.models import Base
from tests import damaged
from tests.damaged import Damaged

#: Every command that opens a database of marks, with what it needs; REQUEST and RUBRIC are numbers of rows.
COMMANDS = (
    "list -a mini", "list -a mini --json", "list --student s2", "show s2 -a mini", "show s1 -a mini",
    "show s2 -a mini --history --why", "pending -a mini", "pending -a mini --anonymous", "summary -a mini",
    "report -a mini --out out", "export json -a mini --out x.json", "export csv -a mini --out x.csv",
    "export canvas -a mini --out canvas.csv", "export gradescope -a mini --out gradescope",
    "audit", "doctor", "remark list -a mini", "remark show REQUEST", "remark show REQUEST --anonymous",
    "rubric show --row RUBRIC", "alike -a mini -c why", "db evidence", "db zone", "db course",
    "regrade -a mini --dry-run", "regrade -a mini", "mark -a mini --from marks.csv",
    "mark s2 -a mini --criterion why --points 2 --comment x", "undo -a mini",
    "drop s1 -a mini --reason x --yes", "roster roster.csv", "run submissions --rubric mini",
    "remark open s2 -a mini --criterion builtin-shadowing --reason r --accept",
    "remark review REQUEST", "remark decide REQUEST --points 1 --reason x", "remark withdraw REQUEST",
    "remark escalate REQUEST --reason x", "remark import requests.csv -a mini",
    "groups list -a mini", "groups set g2 s2 -a mini --reason x", "groups read groups.csv -a mini",
    "groups end g1 -a mini --reason x", "groups names --show", "db prechecks 3 --assignment mini",
    "db reproject", "db backup copy.backup", "db upgrade",
    "account list", "account add cara --role ta", "account role ben head-ta", "account link ben",
    "account sign-out ben", "account remove ben", "person show s2", "person export s2 held",
    "person erase s2 --reason asked --yes", "hand-in take submissions/s3/lab.ipynb -s s2 -a mini",
    "hand-in list -a mini", "hand-in link s2 -a mini --until 7d", "hand-in count REQUEST --reason x",
    "receipt verify receipt.json",
    "share list -a mini", "share list -a mini --csv shares.out", "share draw ann ben -a mini",
    "dates -a mini", "dates -a mini --due 2030-01-03T00:00 --reason x", "extend -a mini", "excuse -a mini",
    "extend s2 -a mini --until 2030-02-01T00:00 --reason x", "extend s2 -a mini --undo --reason x",
    "excuse s2 -a mini --reason x",
    "share give ben s2 -a mini", "share read shares.csv -a mini", "share end ann -a mini",
    "release show -a mini", "release now -a mini --yes", "release hide -a mini --why x",
    "remark show-answer REQUEST", "api list", "api token x --account ben --scope read",
    "api revoke first --account ben",
    "unsteady -a mini",
    "queue show", "queue pause --reason x", "queue drain -a mini --reason x", "queue resume -a later",
    "queue rerun s1 -a mini --reason x", "worker list", "worker token x",
    "worker drain gpu-1", "worker revoke gpu-1",
    "mail list", "mail on --from course@uni.example --link https://desk.example.org", "mail off",
    "retention show", "retention set --recordings 30 -a mini", "retention apply --dry-run",
    "retention apply --yes", "mail retry", "mail send --smtp smtp+plain://127.0.0.1:1", "lti list",
    "lti remove moodle", "lti connect moodle 5",
    "lti person moodle 17 ben", "lti show", "lti rotate", "lti roster", "lti push -a mini",
    "lti add canvas --issuer https://lms.example.org --client-id c --deployment 1"
    " --auth-url https://lms.example.org/a --token-url https://lms.example.org/t"
    " --jwks-url https://lms.example.org/k",
)  # fmt: skip
#: The others, and why a damaged row is nothing to them.
WITHOUT_MARKS = {
    "no database": (
        "intake", "similar", "check", "data", "handout", "demo", "photos anonymize",
        "photos card", "rubric check", "rubric schema", "rubric new", "rubric handout", "rubric try",
        "image build", "image list", "image prune",
    ),
    "pages, tried in tests/unit/web/test_damaged_pages.py": ("serve",),
    "the same reading as run, of photos": ("photos check", "photos decide", "photos consolidate"),
    "reads a backup": ("db restore",),
    "asks on a terminal": ("account password",),
    "reads a notebook, and no marks": ("precheck",),
    "reads files that came, and no marks": ("photos collect",),
}  # fmt: skip
#: Values tried of each column, and commands with each value; all of it would take an hour.
VALUES, EACH = (9, 4) if os.environ.get("GRADER_SOAK") else (1, 1)
TABLES = sorted(Base.metadata.tables)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a class whose database is `whole.db`."""
    folder = tmp_path_factory.mktemp("damaged")
    with pytest.MonkeyPatch.context() as patch:
        damaged.write_class(folder, patch)
        (folder / "requests.csv").write_text("student,criterion,reason\ns3,builtin-shadowing,look\n")
        (folder / "shares.csv").write_text("student,ta\ns2,cara\n")
        shutil.move(folder / "grader.db", folder / "whole.db")
        yield folder


@pytest.fixture
def hurt(whole: Path):
    """Puts a damaged database in place; gives whose row it is."""

    def put(cell: Damaged) -> str:
        for left in ("grader.db-wal", "grader.db-shm", "copy.backup"):
            (whole / left).unlink(missing_ok=True)
        return damaged.damage(whole / "whole.db", whole / "grader.db", cell)

    return put


@pytest.fixture(scope="module")
def numbers(whole: Path) -> dict[str, str]:
    with open_whole(whole) as store, store.reading() as history:
        [request] = history.remarks(assignment="mini")
        [rubric] = history.rubric_numbers()
    return {"REQUEST": str(request.id), "RUBRIC": str(rubric)}


def open_whole(folder: Path) -> Store:
    return open_store(str(folder / "whole.db"), evidence=folder / "grader.db.evidence")


def commands_of(group: typer.main.Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{name} ")
        else:
            yield before + name


def test_every_command_is_tried_or_said_to_need_no_marks() -> None:
    known = set(commands_of(typer.main.get_command(app)))
    tried = {name for name in known for each in COMMANDS if f"{each} ".startswith(f"{name} ")}
    others = {name for names in WITHOUT_MARKS.values() for name in names}
    assert known - tried - others == set()
    assert others <= known


def cases(table: str) -> Iterator[tuple[Damaged, str]]:
    """Columns of a table with values and commands that take turns, so that all commands have theirs."""
    turns = itertools.islice(itertools.cycle(COMMANDS), 7 * TABLES.index(table), None)
    cells = [cell for cell in damaged.cells() if cell.table == table]
    for number, (_, values) in enumerate(itertools.groupby(cells, key=lambda cell: cell.column)):
        each = list(values)
        for step in range(min(VALUES, len(each))):
            cell = each[(number + step) % len(each)]
            yield from ((cell, next(turns)) for _ in range(EACH))


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_value_ends_no_command_without_plain_words(
    table: str, hurt, numbers: dict[str, str], grader
) -> None:
    for cell, command in cases(table):
        hurt(cell)
        ended = grader(*(numbers.get(word, word) for word in command.split()))
        said, told = f"{cell}: {command}\n{ended}", ended.out + ended.err
        assert ended.code in (0, 1, 2), said
        assert not re.search("Traceback|unexpected|the database refused", told), said
        if "a value in the database" in ended.err:
            parts = ("expected:", "found:", "to do:", f"{table}, ")
            assert all(part in ended.err for part in parts), said


#: Of the second student's rows, what cannot be read.
THEIRS = (
    Damaged("submissions", "submitted_at", "yesterday"),
    Damaged("submissions", "late", 7),
    Damaged("submissions", "path", b"\xff\xfehm"),
    Damaged("attempts", "wall_time_s", "x"),
    Damaged("attempts", "number", None),
    Damaged("attempts", "outcome", "NOTHING"),
)  # fmt: skip
OF_THE_CLASS = (
    "list -a mini", "pending -a mini", "summary -a mini", "report -a mini --out out", "show s1 -a mini",
    "export csv -a mini --out -", "export canvas -a mini --out -", "regrade -a mini --dry-run",
)  # fmt: skip


@pytest.mark.parametrize("cell", THEIRS, ids=str)
def test_a_row_of_one_student_costs_nobody_else(hurt, grader, whole: Path, cell: Damaged) -> None:
    assert hurt(cell) == "s2"
    for command in OF_THE_CLASS:
        ended = grader(*command.split())
        assert ended.code in (0, 1), f"{command}\n{ended}"
        if command.split()[0] in ("list", "show", "report"):
            assert re.search("s1|2 reports are in out", ended.out), f"{command}\n{ended}"
    assert f"of {cell.table} is damaged ({cell.column})" in grader("list", "-a", "mini").out
    shown = grader("show", "s2", "-a", "mini")
    assert shown.code == 1 and f"is damaged ({cell.column})" in shown.out
    refused = grader("mark", "s2", "-a", "mini", "--criterion", "why", "--points", "1", "--comment", "x")
    assert refused.code in (1, 2) and "is damaged" in refused.err
    assert "left out: s2" in grader("export", "csv", "-a", "mini", "--out", "x.csv").out


@pytest.mark.parametrize("table", ["verdicts", "marks"])
def test_a_row_that_names_its_student_elsewhere_costs_that_student_alone(hurt, grader, table: str) -> None:
    hurt(Damaged(table, "points", "x"))
    ended = grader("list", "-a", "mini")
    assert ended.code == 0, ended
    assert ended.out.count(f"of {table} is damaged (points)") == 1
    assert all(student in ended.out for student in ("s1", "s2", "s3"))


def test_a_whole_database_has_no_damage(whole: Path) -> None:
    with open_whole(whole) as store, store.database.reading() as session:
        assert list(damages(session)) == []


@pytest.mark.parametrize("table", ["attempts", "verdicts", "bulk_marks", "standing", "roster_keys"])
def test_each_damage_is_found_and_named(hurt, whole: Path, table: str) -> None:
    for cell in (each for each in damaged.cells() if each.table == table and each.value is None):
        hurt(cell)
        with open_store(str(whole / "grader.db")) as store, store.database.reading() as session:
            found = {(each.table, each.column) for each in damages(session)}
        assert (cell.table, cell.column) in found, str(cell)
