from __future__ import annotations

from pathlib import Path

import pytest

from grader.collector.cgroup import MemoryCount, count_memory


def version_2(group: Path) -> None:
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n")


def version_1(group: Path) -> None:
    (group / "memory").mkdir()
    (group / "memory" / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    (group / "memory" / "memory.failcnt").write_text("1\n")
    (group / "memory" / "memory.memsw.failcnt").write_text("2\n")


@pytest.mark.parametrize("write", [version_1, version_2])
def test_both_versions_of_control_groups_are_read(tmp_path: Path, write: object) -> None:
    write(tmp_path)  # type: ignore[operator]
    assert count_memory(tmp_path) == MemoryCount(kills=2, limit_hits=3)


@pytest.mark.parametrize(("peak", "hits"), [(4096, None), (4095, 0)])
def test_a_kernel_that_counts_no_hits_tells_by_the_peak_whether_there_was_one(
    tmp_path: Path, peak: int, hits: int | None
) -> None:
    version_1(tmp_path)
    for name in ("failcnt", "memsw.failcnt"):
        (tmp_path / "memory" / f"memory.{name}").write_text("0\n")
    (tmp_path / "memory" / "memory.max_usage_in_bytes").write_text(f"{peak}\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("4096\n")
    assert count_memory(tmp_path) == MemoryCount(kills=2, limit_hits=hits)


def test_no_counter_counts_nothing(tmp_path: Path) -> None:
    assert count_memory(tmp_path) == MemoryCount()


@pytest.mark.parametrize(
    ("after", "by_limit", "by_machine"),
    [
        (MemoryCount(1, 5), False, False),
        (MemoryCount(2, 6), True, False),
        (MemoryCount(2, 5), False, True),
        (MemoryCount(2, None), True, False),
        (MemoryCount(1, 6), False, False),
    ],
)
def test_a_kill_without_the_limit_being_hit_is_the_machines_fault(
    after: MemoryCount, by_limit: bool, by_machine: bool
) -> None:
    before = MemoryCount(1, 5)
    assert after.killed_by_limit(before) is by_limit
    assert after.killed_by_machine(before) is by_machine
