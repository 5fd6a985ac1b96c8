from __future__ import annotations

from pathlib import Path

import pytest

from grader.files.whole import write_whole


def test_a_file_that_could_not_be_written_leaves_nothing_and_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_whole(path, b"first")

    def full(path: Path, raw: bytes) -> int:
        with path.open("wb") as file:
            file.write(raw[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.html", b"first")]
