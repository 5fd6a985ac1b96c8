from __future__ import annotations

from pathlib import Path

import pytest

from grader.collector.cgroup import oom_kills


@pytest.mark.parametrize(
    "content", ["low 0\nhigh 0\noom 3\noom_kill 2\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"]
)
def test_both_versions_of_control_groups_are_read(tmp_path: Path, content: str) -> None:
    counters = tmp_path / "counters"
    counters.write_text(content)
    assert oom_kills((tmp_path / "absent", counters)) == 2


def test_no_counter_counts_nothing(tmp_path: Path) -> None:
    assert oom_kills((tmp_path / "absent",)) == 0
