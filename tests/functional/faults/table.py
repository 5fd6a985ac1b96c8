"""The faults after which each submission has to be graded exactly once, all in one place.

Each has its test: `test_faults` does what stands here, or a test elsewhere does it, which
is named. All of them end with `graded_once.check`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.functional.faults import beside, databases, disks, kills
from tests.functional.faults.lab import Lab

__all__ = ["FAULTS", "SEEDS", "Fault"]

#: Of moments drawn by chance: those of each day, and those that `make soak` tries.
SEEDS, SOAKED_SEEDS = range(3), range(3, 103)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong while a class is graded.

    Attributes:
        name: As a few words.
        done: What is done, for people.
        act: Does it and brings the class to its end; None where `test` does.
        test: File and function of the test that does it, below ``tests``.
        on: The database: ``file``, ``server``, or ``cluster``, a server that can be taken down.
        soaked: Whether `make soak` alone does it.
    """

    name: str
    done: str
    act: Callable[[Lab], None] | None = None
    test: str = ""
    on: str = "file"
    soaked: bool = False


_KILLED = "functional/test_killed_runs.py::test_a_killed_run_is_completed_by_the_next"
_SIGNAL = "unit/workflows/running/test_patience.py::test_each_signal_that_asks_to_stop_does_what_ctrl_c_does"
_WAITED = "unit/workflows/running/test_patience.py::"
_REAL = "functional/test_faults_in_real_sandboxes.py::"

_KILLS = (
    Fault("killed when planned", "kill -9 once the queue is filled", test=f"{_KILLED}[Planned-1]"),
    Fault("killed at a start", "kill -9 when a submission was claimed", test=f"{_KILLED}[Started-3]"),
    Fault("killed in a sandbox", "kill -9 while the sandbox is asked", test=f"{_KILLED}[Answer-2]"),
    Fault("killed in a cell", "kill -9 between two cells", test=f"{_KILLED}[CellRunning-2]"),
    Fault("killed with evidence", "kill -9 when evidence is kept, no row yet", test=f"{_KILLED}[Recorded-3]"),
    Fault("killed with an attempt", "kill -9 before the attempt is committed", test=f"{_KILLED}[Attempt-3]"),
    Fault("killed with a verdict", "kill -9 before the verdict is committed", test=f"{_KILLED}[Verdict-2]"),
    Fault("killed in a file", "kill -9 while evidence is half written", test=f"{_KILLED}[Blob-8]"),
    Fault("killed after one", "kill -9 when one is finished", test=f"{_KILLED}[Finished-1]"),
    Fault("killed in migrations", "kill -9 while the tables are made", kills.killed_while_tables_are_made),
    Fault("killed thrice", "kill -9 of three runs, one after another", kills.killed_thrice),
    Fault(
        "killed beside another",
        "kill -9 of one of two runs",
        test="functional/test_killed_runs.py::test_a_run_killed_beside_another_leaves_its_work_to_that_one",
    ),
    Fault("one of four killed", "kill -9 of one of four runs", beside.one_of_four_killed, on="server"),
    Fault("regrade killed", "kill -9 of a regrade before it is committed", kills.regrade_killed),
    Fault("mark killed", "kill -9 of `grader mark` before it is committed", kills.mark_killed),
    Fault("report killed", "kill -9 of `grader report` while it writes", kills.report_killed),
    Fault(
        "killed with a container",
        "kill -9 of a run whose container is at work",
        test=f"{_REAL}test_a_run_killed_with_a_container_at_work_is_completed_by_the_next_which_removes_it",
    ),
    Fault("frozen", "SIGSTOP for longer than its lease, then SIGCONT", kills.frozen),
)
_RANDOM = tuple(
    Fault(
        f"killed at random {seed}",
        f"kill -9 at a call of a function drawn by seed {seed}",
        partial(kills.killed_at_random, seed=seed),
        on="server" if seed % 2 else "file",
        soaked=seed in SOAKED_SEEDS,
    )
    for seed in (*SEEDS, *SOAKED_SEEDS)
)
_STOPS = (
    *(
        Fault(f"{name} once", f"{name} in the middle of `grader run`", partial(kills.stopped_by, name=name))
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
    ),
    *(
        Fault(f"{name} twice", f"{name} twice in the middle of a run", test=_SIGNAL)
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
    ),
    Fault("SIGTERM while waiting", "SIGTERM while a file is waited for", kills.stopped_while_waiting),
)
_ENGINES = (
    Fault("engine restarts", "the engine fails a job and answers a while later", kills.engine_restarts),
    Fault("engine stays away", "the engine never answers again in this run", kills.engine_never_comes_back),
    Fault(
        "Docker restarts",
        "all connections to a real engine are cut for seconds",
        test=f"{_REAL}test_an_engine_restarted_in_mid_run_costs_a_try_and_no_points",
    ),
    Fault(
        "container killed",
        "a container is killed from outside",
        test=f"{_REAL}test_a_container_killed_from_outside_costs_a_try_and_no_points",
    ),
)
_DATABASES = (
    Fault(
        "server restarted fast",
        "`pg_ctl restart -m fast` in the middle",
        partial(databases.restarted, mode="fast"),
        on="cluster",
    ),
    Fault(
        "server restarted at once",
        "`pg_ctl restart -m immediate` in the middle",
        partial(databases.restarted, mode="immediate"),
        on="cluster",
    ),
    Fault(
        "server restarted under two",
        "`pg_ctl restart -m immediate` under two runs",
        databases.restarted_under_two,
        on="cluster",
    ),
    Fault(
        "server down at the start",
        "the server starts after the run",
        databases.down_at_the_start,
        on="cluster",
    ),
    Fault(
        "server away at the end",
        "the server is down at the last result",
        databases.away_at_the_end,
        on="cluster",
    ),
    Fault("server away for long", "longer than a run waits", databases.away_for_too_long, on="cluster"),
    Fault(
        "backend killed", "kill -9 of one of the server's processes", databases.backend_killed, on="cluster"
    ),
    Fault("wrong database", "a URL that the server refuses", databases.wrong_database, on="server"),
    Fault("file held at the start", "another program holds the whole file", databases.held_at_the_start),
    Fault("file held in the middle", "another program writes for long", databases.held_in_the_middle),
    Fault(
        "answer to a commit lost",
        "the transaction is kept and nobody hears of it",
        test=f"{_WAITED}test_a_commit_whose_answer_was_lost_is_found_and_not_done_twice",
    ),
    Fault(
        "away at the sign-off",
        "the database goes when the run signs off",
        test=f"{_WAITED}test_a_database_that_is_away_at_the_very_end_does_not_spoil_the_run",
    ),
)
_DISKS = (
    Fault("disk full for the database", "not a byte left in the middle", disks.full_for_the_database),
    Fault("disk full for evidence", "not a byte left in the middle", disks.full_for_evidence),
    Fault("disk full for reports", "not a byte left at the second report", disks.full_for_reports),
    Fault("disk full for a backup", "not a byte left before it begins", disks.full_for_a_backup),
    Fault(
        "files may not grow",
        "a limit on the size of files, of three sizes",
        test="functional/test_killed_runs.py"
        "::test_a_run_without_room_on_the_disk_ends_by_itself_and_the_next_completes_it",
    ),
    Fault("evidence damaged", "a stored notebook is overwritten while it waits", disks.evidence_damaged),
    Fault(
        "evidence away for a while",
        "its place does not answer at the start, while queueing and at a result",
        test=f"{_WAITED}test_evidence_that_cannot_be_reached_for_a_while_is_waited_for_with_the_result_in_hand",
    ),
    Fault("evidence out of reach", "its disk is not mounted when a run begins", disks.evidence_gone),
)
_CLOCKS = (
    Fault("clock set back", "by two years, after a run was killed", disks.clock_set_back),
    Fault("clocks apart", "two runs at once, four years apart", disks.clocks_apart, on="server"),
    Fault("database's clock set back", "by ten years, with a claim that lasts", kills.lease_of_the_future),
)
_AT_ONCE = (
    Fault("two at once", "two runs on one file", partial(beside.at_once, count=2)),
    Fault("four at once", "four runs on one file", partial(beside.at_once, count=4)),
    Fault("four on a server", "four runs on one server", partial(beside.at_once, count=4), on="server"),
    Fault("beside regrades", "regrades by other rubrics beside a run", beside.beside_regrades),
    Fault("beside marks", "marks given beside a run", beside.beside_marks),
    Fault("beside reports", "reports and exports beside a run", beside.beside_reports),
    Fault("beside a backup", "a backup and an audit beside a run", beside.backup_in_the_middle),
    Fault("beside a reprojection", "`grader db reproject` beside a run", beside.reprojected_in_the_middle),
)

FAULTS = (*_KILLS, *_RANDOM, *_STOPS, *_ENGINES, *_DATABASES, *_DISKS, *_CLOCKS, *_AT_ONCE)
