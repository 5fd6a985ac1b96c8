from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.files.whole import write_whole, write_whole_in_parts


def test_a_file_that_could_not_be_written_leaves_nothing_and_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_whole(path, b"first")

    def full() -> Iterator[bytes]:
        yield b"se"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole_in_parts(path, full())
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.html", b"first")]


def test_parts_become_one_file(tmp_path: Path) -> None:
    write_whole_in_parts(tmp_path / "new" / "marks.json", iter([b"[1,", b"2]"]))
    assert (tmp_path / "new" / "marks.json").read_bytes() == b"[1,2]"
