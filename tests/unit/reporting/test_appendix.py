"""The executed notebook at the end of a report: what is shown of it, and what is not let in."""

from __future__ import annotations

import base64
import re

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.evidence.record import CellRecord, CellRun, Output, Submitted
from grader.reporting.appendix import appendix, let_in
from grader.reporting.notebook import as_notebook, picture
from grader.reporting.text import coloured, overwritten
from tests.factories import cell
from tests.unit.reporting import samples
from tests.unit.reporting.test_hostile_reports import HOSTILE, Inspection, notebook


def printing(*outputs: Output, status: str = "ok", **more: object) -> CellRecord:
    run = CellRun.model_validate({"status": status, "outputs": outputs, **more})
    return cell(0, "run()").model_copy(update={"run": run})


def display(**data: str) -> Output:
    return Output(kind="display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


def shown(*outputs: Output) -> str:
    return str(appendix([printing(*outputs)]))


def test_every_cell_stands_under_its_number_in_order() -> None:
    cells = samples.bundle().evidence.cells
    assert re.findall(r'id="cell-(\d+)"', appendix(cells)) == [str(index) for index in range(len(cells))]


@pytest.mark.parametrize("text", ["", "print(1)", *HOSTILE])
def test_the_notebook_is_valid_nbformat(text: str) -> None:
    nbformat.validate(as_notebook([*samples.bundle().evidence.cells, *notebook(text)][:15]))
    nbformat.validate(as_notebook(notebook(text)))


def test_only_the_services_own_run_is_shown() -> None:
    handed_in = Submitted(
        execution_count=3, outputs=(Output(kind="stream", name="stdout", text="0.31 as handed in"),)
    )
    record = printing(Output(kind="stream", name="stdout", text="0.44 as run")).model_copy(
        update={"submitted": handed_in}
    )
    html = appendix([record])
    assert "0.44 as run" in html
    assert "handed in" not in html


def test_code_is_coloured_and_colours_of_a_terminal_are_kept() -> None:
    html = appendix(
        [
            cell(0, "def f():\n    return 1").model_copy(
                update={
                    "run": CellRun(
                        status="error", outputs=(Output(kind="error", text="\x1b[0;31mNameError\x1b[0m: x"),)
                    )
                }
            )
        ]
    )
    assert '<span class="p-k">return</span>' in html
    assert '<span class="ansi-red-fg">NameError</span>: x' in html
    assert "\x1b" not in html


def test_colours_by_number_and_backgrounds_are_dropped_with_their_styles() -> None:
    html = shown(Output(kind="stream", name="stdout", text="\x1b[38;5;208;48;2;1;2;3mloud\x1b[0m"))
    assert "<span>loud</span>" in html
    assert "style" not in html


@given(st.text())
def test_only_colours_are_left_of_control_sequences(text: str) -> None:
    without = re.sub(r"\x1b\[[\d;]*m", "", coloured(text))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", without)


def test_a_progress_bar_shows_its_last_state_only() -> None:
    assert overwritten(" 10%|#\r 50%|##\r100%|####\ndone\r\n") == "100%|####\ndone\n"


def test_a_picture_is_carried_in_the_page_with_words_for_those_who_do_not_see_it() -> None:
    html = shown(display(image_png=samples.png()))
    assert f'src="data:image/png;base64,{samples.png()}"' in html
    assert 'alt="Picture put out by cell 0"' in html


def test_a_picture_must_be_what_it_says() -> None:
    assert picture("image/png", samples.png()) == samples.png()
    assert picture("image/png", base64.b64encode(b"<svg onload=x>").decode()) == ""
    assert picture("image/jpeg", samples.png()) == ""
    assert picture("image/svg+xml", samples.png()) == ""
    assert picture("image/png", '"onerror="x') == ""


def test_pictures_beyond_the_allowance_are_named_not_carried() -> None:
    chunk = (4_000_000).to_bytes(4, "big") + b"IDAT" + bytes(4_000_000 + 4)
    large = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk).decode()
    html = shown(display(image_png=large), display(image_png=large))
    assert html.count("<img") == 1
    assert "a picture was left out" in html


def test_outputs_beyond_the_cap_are_cut_and_that_is_said() -> None:
    many = [Output(kind="stream", name="stdout", text=f"line {i}") for i in range(300)]
    html = shown(*many)
    assert html.count('<pre class="output stdout">') == 200
    assert "output cut" in html


def test_a_table_stays_a_table_and_loses_its_styles() -> None:
    table = (
        '<div><style scoped>.x{}</style><table border="1" class="dataframe"><tr><td>1</td></tr></table></div>'
    )
    html = shown(display(text_html=table))
    assert "<td>1</td>" in html
    assert "scoped" not in html
    assert "dataframe" not in html


@pytest.mark.parametrize(
    "output",
    [
        Output(kind="display_data", text="<Plot>", data={"image/svg+xml": "<svg><script>1</script></svg>"}),
        Output(kind="display_data", text="<Plot>", data={"application/javascript": "alert(1)"}),
        Output(kind="display_data", text="<Plot>", data={"application/vnd.jupyter.widget-view+json": "{}"}),
        Output(
            kind="display_data",
            text="<Plot>",
            data={"text/html": "<iframe src='https://x.example'></iframe>"},
        ),
        Output(kind="display_data", text="<Plot>", data={"image/gif": "R0lGODlhAQABAAAAACw="}),
    ],
)
def test_what_could_run_falls_back_to_its_plain_text(output: Output) -> None:
    html = shown(output)
    assert '<pre class="output result">&lt;Plot&gt;</pre>' in html
    assert Inspection(html).offences == []


@pytest.mark.parametrize(
    ("status", "note"),
    [("timeout", "stopped at the time limit"), ("died", "Python stopped here"), ("not_run", "did not run")],
)
def test_cells_say_what_was_unusual_about_their_run(status: str, note: str) -> None:
    html = appendix([printing(status=status, duration_s=75.0, cut=True)])
    assert f"{note}, 1 min 15 s, output cut" in html


def test_long_output_keeps_both_ends() -> None:
    html = shown(Output(kind="stream", name="stdout", text="first\n" + "x" * 50_000 + "\nlast"))
    text = re.search(r'<pre class="output stdout">(.*?)</pre>', html, re.DOTALL)[1]
    assert text.startswith("first")
    assert text.endswith("last")
    assert "characters left out" in text
    assert len(text) < 7_000


def test_formulas_of_text_cells_are_set() -> None:
    assert "<msub><mi>x</mi><mi>i</mi></msub>" in appendix([cell(0, "Let $x_i$ be.", kind="markdown")])


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ('<div id="main" class="cell chip">x</div>', '<div class="cell">x</div>'),
        ('<span class="p-k skip">x</span>', '<span class="p-k">x</span>'),
        ('<img src="https://x.example/a.png" alt="a">', '<img alt="a">'),
        ('<img src="data:image/svg+xml;base64,AA==">', "<img>"),
        ('<p style="position:fixed" onclick="x()">x</p>', "<p>x</p>"),
    ],
)
def test_the_allowlist_knows_names_and_values(html: str, left: str) -> None:
    assert let_in(html) == left


def test_a_link_may_not_carry_its_own_page() -> None:
    assert "data:" not in let_in('<a href="data:text/html,x">x</a>')


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_no_text_escapes_from_the_appendix(text: str) -> None:
    assert Inspection(str(appendix(notebook(text + "<script>")))).offences == []
