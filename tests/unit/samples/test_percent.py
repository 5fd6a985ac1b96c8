import nbformat
import pytest

from grader.samples.percent import PercentCell, answered, notebook_bytes, notebook_cells, read_percent

TEXT = """\
# %% [markdown] title
# # Part 1
#
# Write `f`.
# %% code
def f():
    return 1

# %%
f()
"""


def test_cells_have_kind_id_and_source():
    assert read_percent(TEXT) == [
        PercentCell("title", "markdown", "# Part 1\n\nWrite `f`."),
        PercentCell("code", "code", "def f():\n    return 1"),
        PercentCell("cell-2", "code", "f()"),
    ]


def test_the_notebook_is_valid_and_reads_back_equal():
    cells = read_percent(TEXT)
    notebook = nbformat.reads(notebook_bytes(cells).decode(), as_version=4)
    nbformat.validate(notebook)
    assert notebook_cells(notebook) == cells
    assert [cell.metadata.id for cell in notebook.cells] == ["title", "code", "cell-2"]


def test_answers_take_the_place_of_the_handouts_cells():
    answer = PercentCell("code", "code", "f = max")
    assert [cell.source for cell in answered(read_percent(TEXT), [answer])][1:] == ["f = max", "f()"]


def test_an_answer_to_no_cell_is_an_error():
    with pytest.raises(ValueError, match="typo"):
        answered(read_percent(TEXT), [PercentCell("typo", "code", "")])
