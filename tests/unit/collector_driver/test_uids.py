from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.collector.uids import take_uids
from grader.evidence.plan import Limits
from grader.sandbox.container import ContainerSpec, _environment

ALL = "         0          0 4294967295\n"
ROOTLESS = "         0       1000          1\n         1     100000      65536\n"


@pytest.fixture
def uid_map(tmp_path: Path) -> Path:
    return tmp_path / "uid_map"


def test_each_container_is_told_uids_that_no_other_has(
    uid_map: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid_map.write_text(ALL)
    seen: set[int] = set()
    for _ in range(40):
        monkeypatch.setenv(
            "GRADER_UIDS", _environment(ContainerSpec("image", Limits(), "run"))["GRADER_UIDS"]
        )
        uids = take_uids(uid_map)
        assert len(uids) == 500
        assert seen.isdisjoint(uids)
        assert 65_536 < uids.start < uids.stop <= 2**31
        seen.update(uids)


def test_students_are_not_told(uid_map: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid_map.write_text(ALL)
    monkeypatch.setenv("GRADER_UIDS", "1900000000 500")
    assert take_uids(uid_map) == range(1_900_000_000, 1_900_000_500)
    assert "GRADER_UIDS" not in os.environ


@pytest.mark.parametrize("first", [1_879_048_192, 1_900_000_000, 2_147_483_148])
def test_where_few_uids_are_mapped_the_range_lies_within_them(
    first: int, uid_map: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid_map.write_text(ROOTLESS)
    monkeypatch.setenv("GRADER_UIDS", f"{first} 500")
    uids = take_uids(uid_map)
    assert len(uids) == 500
    assert 20_000 <= uids.start < uids.stop <= 65_537


def test_where_nobody_names_uids_there_are_some(uid_map: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid_map.write_text(ALL)
    monkeypatch.delenv("GRADER_UIDS", raising=False)
    assert take_uids(uid_map) == range(20_000, 20_500)
