from __future__ import annotations

import json

import pytest

from grader.collector.cells import UnreadableNotebook, read_cells
from grader.evidence.plan import Limits


def notebook(*cells: dict[str, object], **fields: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **fields}).encode()


def code(source: object = "x", **fields: object) -> dict[str, object]:
    plain = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "c"}
    return {**plain, "source": source, **fields}


def test_cells_keep_their_place_kind_and_source() -> None:
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# T", "itle"], "id": "m"}
    cells = read_cells(notebook(text, code("a\r\nb")), Limits())
    assert [(cell.index, cell.kind, cell.source) for cell in cells] == [
        (0, "markdown", "# Title"),
        (1, "code", "a\r\nb"),
    ]


def test_colabs_id_comes_before_the_files_own() -> None:
    cells = read_cells(notebook(code(metadata={"id": "colab"}), code()), Limits())
    assert [cell.handout_id for cell in cells] == ["colab", "c"]


def test_ids_that_are_missing_or_doubled_are_not_invented() -> None:
    first, second = code(id="same"), code(id="same")
    assert [cell.handout_id for cell in read_cells(notebook(first, second), Limits())] == ["same", "same"]
    bare = {key: value for key, value in code().items() if key != "id"}
    assert read_cells(notebook(bare, nbformat_minor=4), Limits())[0].handout_id is None


def test_what_the_file_showed_is_kept_within_the_limits() -> None:
    shown = [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b" * 100]}]
    cell = read_cells(notebook(code(outputs=shown, execution_count=7)), Limits(cell_output_bytes=10))[0]
    assert cell.submitted.execution_count == 7
    assert cell.submitted.outputs[0].text == "a\nbbbbbbbb"
    assert cell.submitted.cut
    assert not read_cells(notebook(code(outputs=shown)), Limits())[0].submitted.cut


def test_a_source_too_long_to_keep_says_so() -> None:
    whole, cut = read_cells(notebook(code("x" * 1_000_000), code("x" * 1_000_001)), Limits())
    assert (len(whole.source), whole.source_cut) == (1_000_000, False)
    assert (len(cut.source), cut.source_cut) == (1_000_000, True)


def test_version_three_is_upgraded() -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": "y = 1", "outputs": [], "language": "python"}]}
        ],
    }
    assert [cell.source for cell in read_cells(json.dumps(old).encode(), Limits())] == ["y = 1"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"{}", b'{"cells": [1]}', b"\xff\xfe", b"[" * 100_000, notebook(nbformat="x")],
)
def test_what_is_no_notebook_is_said_so(raw: bytes) -> None:
    with pytest.raises(UnreadableNotebook):
        read_cells(raw, Limits())
