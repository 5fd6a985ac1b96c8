import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SubmissionError
from grader.intake.notebook import normalise_notebook, parse_notebook
from grader.intake.notebook_json import MAX_BYTES


def code(source, **more):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], **more}


def notebook(*cells, **more):
    content = {"nbformat": 4, "nbformat_minor": 0, "metadata": {}, "cells": list(cells), **more}
    return json.dumps(content).encode()


def only_cell(raw):
    (cell,) = parse_notebook(raw)
    return cell


def test_cells_come_in_order_with_their_kind_and_source():
    markdown = {"cell_type": "markdown", "source": ["# Part 1\n", "text"]}
    cells = parse_notebook(notebook(markdown, code("x = 1"), {"cell_type": "raw", "source": "r"}))
    assert [(cell.index, cell.kind, cell.source) for cell in cells] == [
        (0, "markdown", "# Part 1\ntext"),
        (1, "code", "x = 1"),
        (2, "raw", "r"),
    ]


def test_windows_line_ends_become_line_feeds():
    assert only_cell(notebook(code("a = 1\r\nb = 2\rc = 3"))).source == "a = 1\nb = 2\nc = 3"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"metadata": {"id": "colab"}, "id": "own"}, "colab"),
        ({"id": "own"}, "own"),
        ({"metadata": {"id": 7}}, None),
        ({"metadata": None}, None),
        ({}, None),
    ],
)
def test_handout_id_is_colabs_metadata_id_else_the_cell_id(more, expected):
    assert only_cell(notebook(code("x", **more))).handout_id == expected


def test_repeated_cell_ids_do_no_harm():
    cells = parse_notebook(notebook(code("a", id="same"), code("b", id="same")))
    assert [cell.source for cell in cells] == ["a", "b"]


def test_nan_as_cell_id_does_no_harm():
    raw = notebook(code("x", id="ID")).replace(b'"ID"', b"NaN")
    assert only_cell(raw).handout_id is None


def test_lone_surrogate_becomes_the_replacement_character():
    raw = notebook(code("s = 'HERE'")).replace(b"HERE", rb"\ud800")
    assert only_cell(raw).source == "s = '\ufffd'"


def test_byte_order_mark_is_taken_off():
    assert only_cell(b"\xef\xbb\xbf" + notebook(code("x"))).source == "x"


def test_a_foreign_kernel_is_ignored():
    kernel = {"kernelspec": {"name": "ir", "display_name": "R"}}
    assert only_cell(notebook(code("x"), metadata=kernel)).source == "x"


def test_submitted_outputs_and_execution_count_are_kept():
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": ["a\n", "b\n"]},
        {"output_type": "execute_result", "data": {"text/plain": "386", "image/png": "iVBO"}},
        {"output_type": "display_data", "data": {"text/html": "<script>"}},
        {"output_type": "error", "ename": "NameError", "evalue": "x", "traceback": ["line 1", "line 2"]},
    ]
    submitted = only_cell(notebook(code("x", execution_count=12, outputs=outputs))).submitted
    stream, result, display, error = submitted.outputs
    assert submitted.execution_count == 12
    assert (stream.name, stream.text) == ("stderr", "a\nb\n")
    assert (result.text, result.data) == ("386", {"image/png": "iVBO"})
    assert (display.text, display.data) == ("", {})
    assert error.text == "NameError: x\nline 1\nline 2"


@pytest.mark.parametrize("outputs", [None, "text", [3], [{"output_type": "unknown"}], {"a": 1}])
def test_malformed_outputs_are_left_out(outputs):
    assert only_cell(notebook(code("x", outputs=outputs))).submitted.outputs == ()


@pytest.mark.parametrize("count", [-1, 1.5, "3", True, 2**40])
def test_an_impossible_execution_count_is_no_count(count):
    assert only_cell(notebook(code("x", execution_count=count))).submitted.execution_count is None


def test_outputs_of_all_cells_together_stay_under_the_cap():
    flood = [{"output_type": "stream", "name": "stdout", "text": "x" * 90_000}] * 200
    cells = parse_notebook(notebook(code("a", outputs=flood), code("b", outputs=flood)))
    kept = sum(len(output.text) for cell in cells for output in cell.submitted.outputs)
    assert kept == 12 * 1024 * 1024


def test_a_picture_is_kept_whole_or_not_at_all():
    big = {"output_type": "display_data", "data": {"image/png": "A" * 9_000_000}}
    first, second = only_cell(notebook(code("x", outputs=[big, big]))).submitted.outputs
    assert (len(first.data["image/png"]), second.data) == (9_000_000, {})


def test_version_3_is_upgraded():
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Part 1", "metadata": {}},
        {"cell_type": "code", "input": "x = 1", "prompt_number": 3, "outputs": [], "language": "python"},
    ]
    raw = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    heading, first = parse_notebook(json.dumps(raw).encode())
    assert (heading.kind, heading.source) == ("markdown", "## Part 1")
    assert (first.source, first.submitted.execution_count) == ("x = 1", 3)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"%PDF-1.7", "not valid JSON"),
        (b'{"cells": [', "not valid JSON"),
        (b"[]", "no notebook"),
        (b'"text"', "no notebook"),
        (b'{"a": 1}', "no notebook"),
        (b'{"nbformat": 4, "cells": {}}', "no notebook"),
        (b'{"nbformat": 5, "cells": []}', "version"),
        (b'{"nbformat": "four", "cells": []}', "no code"),
        (b'{"nbformat": 3, "worksheets": 7}', "could not be upgraded"),
        (b"\xff\xfe{\x00", "not valid JSON"),
        (b"\xff\xd8\xff\xe0JFIF", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "5000 digits"),
        (b'{"cells": [' + b"{}," * 3_000_000 + b"{}]}", "too many parts"),
        (notebook(), "no code"),
        (notebook({"cell_type": "markdown", "source": "only text"}), "no code"),
        (notebook(code(" \n")), "no code"),
        (notebook(code(17)), "no code"),
        (notebook(code(["a", 17])), "no code"),
        (notebook({"source": "x"}), "no code"),
        (notebook("cell"), "no code"),
        (notebook(*[code("x")] * 5001), "too many cells"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_notebook_is_refused_with_one_clear_message(raw, message):
    with pytest.raises(SubmissionError, match=message):
        parse_notebook(raw)


def test_an_oversized_file_is_refused_unread():
    with pytest.raises(SubmissionError, match="too large"):
        parse_notebook(b" " * (MAX_BYTES + 1))


def test_the_clean_copy_is_a_valid_notebook_of_format_4_5():
    raw = notebook(code("x", id="same", execution_count=3), code("y\r\n", id="same"), metadata={"junk": 1})
    clean = nbformat.reads(normalise_notebook(parse_notebook(raw)).decode(), as_version=4)
    nbformat.validate(clean)
    assert (clean.nbformat, clean.nbformat_minor) == (4, 5)
    assert clean.metadata.kernelspec.name == "python3"
    assert "junk" not in clean.metadata
    assert [(cell.id, cell.source, cell.outputs, cell.execution_count) for cell in clean.cells] == [
        ("cell-0", "x", [], None),
        ("cell-1", "y\n", [], None),
    ]


sources = st.text(max_size=30) | st.lists(st.text(max_size=10), max_size=3)
cells = st.lists(
    st.builds(
        lambda kind, source: {"cell_type": kind, "source": source},
        st.sampled_from(["code", "markdown", "raw"]),
        sources,
    ),
    max_size=4,
)


@given(cells)
def test_the_clean_copy_keeps_every_cell(generated):
    raw = notebook(code("always"), *generated)
    before, after = parse_notebook(raw), parse_notebook(normalise_notebook(parse_notebook(raw)))
    assert [(cell.kind, cell.source) for cell in after] == [(cell.kind, cell.source) for cell in before]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "nbformat", "cell_type", "source", "metadata", "outputs", "worksheets"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_file_gives_anything_but_cells_or_a_submission_error(raw):
    try:
        assert len(parse_notebook(raw)) > 0
    except SubmissionError as error:
        assert error.what
