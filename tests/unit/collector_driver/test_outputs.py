from __future__ import annotations

import pytest

from grader.collector.outputs import OutputBox, cell_error, plain


def stream(text: str, name: str = "stdout") -> dict[str, str]:
    return {"name": name, "text": text}


def test_pieces_of_one_stream_are_joined() -> None:
    box = OutputBox(100)
    for text in ("a", "b"):
        box.add("stream", stream(text))
    box.add("stream", stream("e", "stderr"))
    box.add("stream", stream("c"))
    assert [(one.name, one.text) for one in box.outputs] == [
        ("stdout", "ab"),
        ("stderr", "e"),
        ("stdout", "c"),
    ]


def test_text_is_cut_at_the_cap_and_pictures_are_kept_whole_or_not() -> None:
    box = OutputBox(10)
    box.add("display_data", {"data": {"text/plain": "1234", "image/png": "x" * 7}})
    box.add("stream", stream("abcdefgh"))
    assert box.cut
    assert [(one.text, one.data) for one in box.outputs] == [("1234", {}), ("abcdef", {})]


def test_a_cut_never_splits_a_character() -> None:
    box = OutputBox(3)
    box.add("stream", stream("\N{EURO SIGN}\N{EURO SIGN}"))
    assert box.outputs[0].text == "\N{EURO SIGN}"


def test_very_many_outputs_are_too_many() -> None:
    box = OutputBox(10**6)
    for _ in range(3000):
        box.add("display_data", {"data": {"text/plain": "x"}})
    assert box.cut
    assert len(box.outputs) == 1000


def test_clearing_now_or_with_the_next_output() -> None:
    box = OutputBox(100)
    box.add("stream", stream("old"))
    box.clear(wait=True)
    assert box.outputs[0].text == "old"
    box.add("stream", stream("new"))
    assert [one.text for one in box.outputs] == ["new"]
    box.clear(wait=False)
    assert box.outputs == ()


def test_what_was_cleared_still_counts() -> None:
    box = OutputBox(10)
    for _ in range(3):
        box.add("stream", stream("12345"))
        box.clear(wait=False)
    assert box.cut


def test_a_display_can_be_updated() -> None:
    box = OutputBox(100)
    box.add("display_data", {"data": {"text/plain": "1"}, "transient": {"display_id": "d"}})
    box.update({"data": {"text/plain": "2"}, "transient": {"display_id": "d"}})
    box.update({"data": {"text/plain": "3"}, "transient": {"display_id": "other"}})
    assert [one.text for one in box.outputs] == ["2"]


@pytest.mark.parametrize(
    "content",
    [{}, {"data": None}, {"data": {"text/plain": 3}}, {"data": {"image/png": ["a", "b"]}}, {"transient": 5}],
)
def test_malformed_content_is_no_reason_to_fail(content: dict[str, object]) -> None:
    box = OutputBox(100)
    for kind in ("stream", "display_data", "execute_result", "error", "unknown"):
        box.add(kind, content)
    assert len(box.outputs) <= 3


def test_lone_surrogates_become_printable() -> None:
    box = OutputBox(100)
    box.add("stream", stream("a\ud800b"))
    assert box.outputs[0].text == "a?b"


def test_an_error_names_the_deepest_line_of_its_own_cell() -> None:
    traceback = [
        "\x1b[31mValueError\x1b[0m Traceback",
        "\x1b[32mCell In[3], line 7\x1b[0m",
        "Cell In[2], line 4, in helper(x)",
    ]
    error = cell_error({"ename": "ValueError", "evalue": "bad\x1b[0m", "traceback": traceback}, 3)
    assert (error.type, error.message, error.line) == ("ValueError", "bad", 7)
    assert "\x1b" not in error.traceback


def test_terminal_commands_are_taken_out() -> None:
    assert plain("\x1b]52;c;aGk=\x07a\x1b[1;31mb\x1b[0m") == "ab"
