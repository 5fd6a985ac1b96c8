"""Property test of erasing: whatever happens in whatever order, the history stays whole and says no name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.models import Base
from grader.store.standing_rows import OWN
from tests.unit.store.row_by_row import LAB, NOW, Course, finding, wrong
from tests.unit.store.test_erasing import WHO

NAMES = ("annabell", "bertram", "cornelia", "zo\u00eb \ud800")
LABS = (LAB, "lab2")
#: Of a class; each step reads every row of the database.
LIVES = 40 if "GRADER_SOAK" in os.environ else 3
names, labs = st.sampled_from(NAMES), st.sampled_from(LABS)


class Interrupted(Exception):
    """A transaction is given up."""


class ErasingMachine(RuleBasedStateMachine):
    """People hand in, are marked and erased, by two processes that share a database."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.database = database
        self.folder = tempfile.TemporaryDirectory()
        self.here: dict[str, set[str]] = {}
        self.labels: dict[str, set[str]] = {}
        self.ever_erased: set[str] = set()
        self.stores: list[Store] = []

    @initialize()
    def begin(self) -> None:
        place = Path(self.folder.name)
        self.stores = [open_store(self.database, evidence=place, clock=lambda: NOW) for _ in range(2)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def write(self, by: int, give_up: bool, step) -> object:
        try:
            with self.stores[by].writing() as history:
                done = step(Course(history))
                if give_up:
                    raise Interrupted
        except Interrupted:
            return None
        return done

    @rule(name=names, lab=labs, by=st.integers(0, 1), give_up=st.booleans(), file=st.sampled_from("fg"))
    def hand_in(self, name: str, lab: str, by: int, give_up: bool, file: str) -> None:
        def step(course: Course) -> bool:
            course.hand_in(name, lab, file=file)
            course.judge(name, finding("a", 1.0), finding("b", pending=4.0), lab=lab, file=file)
            return True

        if self.write(by, give_up, step):
            self.here.setdefault(name, set()).add(lab)

    @precondition(lambda self: self.here)
    @rule(data=st.data(), by=st.integers(0, 1), give_up=st.booleans())
    def erase(self, data: st.DataObject, by: int, give_up: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.here)))
        label = self.write(by, give_up, lambda course: course.history.erase(name, "asked for", [], WHO))
        if label is not None:
            assert isinstance(label, str)
            self.labels[label] = self.here.pop(name)
            self.ever_erased.add(name)

    @precondition(lambda self: self.here)
    @rule(data=st.data(), lab=labs, by=st.integers(0, 1))
    def mark_alike(self, data: st.DataObject, lab: str, by: int) -> None:
        there = sorted(name for name, works in self.here.items() if lab in works)
        if there:
            chosen = data.draw(st.lists(st.sampled_from(there), min_size=1, unique=True))
            self.write(by, False, lambda course: course.mark_alike(chosen, "b", 2.0, lab))

    @precondition(lambda self: self.here)
    @rule(data=st.data(), dropped=st.booleans())
    def drop(self, data: st.DataObject, dropped: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.here)))
        lab = data.draw(st.sampled_from(sorted(self.here[name])))
        self.write(0, False, lambda course: course.drop(name, lab, dropped=dropped))

    @invariant()
    def everybody_is_called_as_they_should_be(self) -> None:
        for store in self.stores:
            with store.reading() as history:
                found = {(item.student, item.assignment) for item in history.results(with_dropped=True)}
                counting = {item.student for item in history.results()}
            people = {**self.here, **self.labels}
            assert found == {(name, lab) for name, works in people.items() for lab in works}
            assert not counting & self.labels.keys()

    @invariant()
    def the_audit_is_green(self) -> None:
        for store in self.stores:
            report = audit(store, evidence=False)
            assert report.sound, report
            assert wrong(store) == []

    @invariant()
    def who_is_erased_stands_nowhere(self) -> None:
        if not self.stores:
            return
        with self.stores[0].database.engine.connect() as connection:
            rows = repr(
                [connection.execute(text(f"SELECT * FROM {table}")).all() for table in Base.metadata.tables]
            )
        for name in self.ever_erased - self.here.keys():
            assert name.split()[0] not in rows

    @rule()
    def projected_again_it_is_the_same(self) -> None:
        before = self.standing()
        self.stores[1].reproject()
        assert self.standing() == before

    def standing(self) -> list[list[tuple[object, ...]]]:
        """All of it but counters at nothing and layouts that nobody has, which say nothing."""
        with self.stores[0].database.engine.connect() as connection:
            tables = [model.__tablename__ for model in OWN if model.__tablename__ != "standing_layouts"]
            found = [connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables]
        return [sorted((tuple(row) for row in rows if row[-1] != 0), key=repr) for rows in found]

    @precondition(lambda self: "://" not in self.database)
    @rule()
    def a_backup_is_as_good(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = back_up(self.stores[0], Path(folder) / "backup")
            restore(Path(folder) / "backup", f"{folder}/again.db")
            with open_store(f"{folder}/again.db", create=False) as again, again.reading() as history:
                report = audit(again, evidence=False)
                assert report.sound
                assert f"{report.rows}:{report.head}" in (made.seal, "0:")
                found = {item.student for item in history.results(with_dropped=True)}
            assert found == {*self.here, *self.labels}


def test_whatever_happens_the_history_is_whole_and_says_no_erased_name(new_database) -> None:
    run_state_machine_as_test(
        lambda: ErasingMachine(new_database()),
        settings=settings(max_examples=LIVES, stateful_step_count=12, deadline=None),
    )
