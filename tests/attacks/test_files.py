"""Files that are no notebook, or want to be more: one clear message, or graded where they do no harm."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.collector.cells import UnreadableNotebook, read_cells
from grader.errors import GraderError, SubmissionError
from grader.evidence.plan import Limits
from grader.intake import find_submissions, normalise_notebook, parse_notebook

CELL: dict[str, Any] = {
    "cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": "x = 1",
}  # fmt: skip


def of_cells(*cells: Any, **more: Any) -> bytes:
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}
    return json.dumps(document).encode()


def with_source(source: Any) -> bytes:
    return of_cells({**CELL, "source": source})


def version_3() -> bytes:
    cell = {"cell_type": "code", "language": "python", "input": "x = 1", "outputs": [], "metadata": {}}
    sheets = [{"cells": [cell], "metadata": {}}]
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": sheets}).encode()


NESTED = b'{"a":' * 100_000 + b"1" + b"}" * 100_000

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "malformed JSON": b'{"cells": [',
    "a list on top": b"[1, 2, 3]",
    "a number on top": b"7",
    "deep nesting": b"[" * 200_000 + b"]" * 200_000,
    "deep nesting within": b'{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": ' + NESTED + b"}",
    "cells are no list": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}',
    "a cell is no object": of_cells(7),
    "a number as source": with_source(7),
    "no text at all": b"\xff\xfe\x00\xd8" * 100,
    "no cells": of_cells(),
    "no code": of_cells({"cell_type": "markdown", "id": "a", "metadata": {}, "source": "words"}),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "a version from the future": of_cells(CELL, nbformat=99),
}  # fmt: skip

HARMLESS: dict[str, bytes] = {
    "NaN as an id": of_cells({**CELL, "id": float("nan")}),
    "ids given twice": of_cells(CELL, CELL),
    "no ids": of_cells({key: value for key, value in CELL.items() if key != "id"}),
    "Windows line ends": with_source("x = 1\r\ny = 2\r\n"),
    "a lone surrogate": with_source("x = '\ud800'"),
    "a kernel from elsewhere": of_cells(CELL, metadata={"kernelspec": {"name": "bash", "argv": ["rm"]}}),
    "version 3": version_3(),
    "a byte order mark": b"\xef\xbb\xbf" + of_cells(CELL),
    "NUL in the source": with_source("x = 1\x00"),
    "outputs of wrong kinds": of_cells({**CELL, "outputs": [7, {"output_type": []}, {}]}),
}  # fmt: skip


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_is_no_notebook_is_an_invalid_submission_with_a_message(raw: bytes) -> None:
    with pytest.raises(SubmissionError) as refused:
        parse_notebook(raw)
    assert refused.value.what
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
def test_what_does_no_harm_is_graded(raw: bytes) -> None:
    cells = parse_notebook(raw)
    assert any(cell.kind == "code" and cell.source.startswith("x = ") for cell in cells)
    clean = nbformat.reads(normalise_notebook(parse_notebook(raw)).decode(), as_version=4)
    nbformat.validate(clean)
    assert clean.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("raw", [*REFUSED.values(), *HARMLESS.values()], ids=[*REFUSED, *HARMLESS])
def test_the_driver_reads_or_refuses_each_of_them_as_well(raw: bytes) -> None:
    """It gets the clean copy only; this is for the day when it does not."""
    try:
        cells = read_cells(raw, Limits())
    except UnreadableNotebook as error:
        assert str(error)
    else:
        assert all(cell.source.encode() is not None for cell in cells)


def test_a_number_of_five_thousand_digits_costs_no_minutes_and_stops_nothing() -> None:
    raw = with_source("x = 1").replace(b'"nbformat_minor": 5', b'"nbformat_minor": 5, "n": ' + b"9" * 5000)
    with_number = raw.replace(b'"execution_count": null', b'"execution_count": ' + b"9" * 5000)
    for file in (raw, with_number):
        try:
            assert parse_notebook(file)[0].submitted.execution_count is None
        except SubmissionError as error:
            assert error.what


def archive(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("s101/lab.ipynb", of_cells(CELL))
        write(opened)
    return raw.getvalue()


def link(opened: zipfile.ZipFile) -> None:
    member = zipfile.ZipInfo("s102/lab.ipynb")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    opened.writestr(member, "/etc/passwd")


ARCHIVES: dict[str, Callable[[zipfile.ZipFile], None]] = {
    "climbs out": lambda opened: opened.writestr("../../s102.ipynb", of_cells(CELL)),
    "absolute path": lambda opened: opened.writestr("/tmp/s102.ipynb", of_cells(CELL)),
    "symbolic link": link,
    "bomb": lambda opened: opened.writestr("s102/lab.ipynb", bytes(200 * 2**20)),
}


@pytest.mark.parametrize("write", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_cannot_reach_out_or_blow_up(
    write: Callable[[zipfile.ZipFile], None], tmp_path: Path
) -> None:
    path = tmp_path / "handed-in" / "all.zip"
    path.parent.mkdir()
    path.write_bytes(archive(write))
    found = find_submissions(path)
    honest = next(one for one in found.submissions if one.student == "s101")
    assert parse_notebook(honest.read())
    assert len(found.submissions) + len(found.problems) >= 2
    for one in found.submissions:
        if one is not honest:
            assert one.problem
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["all.zip", "handed-in"]


NAMES = [
    "-rf",
    "a'; DROP TABLE marks;--",
    'a"b',
    "$(touch x)",
    "a\nb",
    "x" * 200,
    "раul",
    "a\u202eb",
    ".hidden",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_stored_literally_and_make_no_paths(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "submissions" / name
    folder.mkdir(parents=True)
    (folder / "lab.ipynb").write_bytes(of_cells(CELL))
    before = set(tmp_path.rglob("*"))
    try:
        found = find_submissions(tmp_path / "submissions")
        assert [one.path.name for one in found.submissions] == ["lab.ipynb"]
    except GraderError as error:
        assert error.what
    assert set(tmp_path.rglob("*")) == before
