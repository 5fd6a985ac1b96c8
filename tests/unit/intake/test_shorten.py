from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.intake import parse_notebook, shorten
from grader.intake.shorten import TooLarge, read_shortened

PICTURE = {"output_type": "display_data", "data": {"image/png": 'iVBO\\n\n"[{' * 400_000}, "metadata": {}}
PRINTED = {"output_type": "stream", "name": "stdout", "text": ["outputs: [1, 2]\n", '{"outputs": "']}


def notebook(*cells: dict[str, object], **more: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}).encode()


def code(source: str, *outputs: object, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": list(outputs), **more}


def shortened(raw: bytes, limit: int = 500_000) -> bytes:
    return read_shortened(io.BytesIO(raw), limit=limit)


def test_a_large_picture_goes_and_all_else_stays() -> None:
    raw = notebook(code("a = 1", PICTURE, PRINTED), code('b = "outputs"', PRINTED, execution_count=2))
    first, second = parse_notebook(shortened(raw))
    assert (first.source, second.source) == ("a = 1", 'b = "outputs"')
    assert [output.text for output in first.submitted.outputs] == ["".join(PRINTED["text"])]
    assert first.submitted.left_out.startswith("outputs of ")
    assert (second.submitted.left_out, second.submitted.execution_count) == ("", 2)


def test_attachments_and_states_of_widgets_go_as_well() -> None:
    text = {"cell_type": "markdown", "source": "words", "attachments": {"a.png": PICTURE}, "metadata": {}}
    raw = notebook(text, code("a = 1"), metadata={"widgets": {"state": [PICTURE]}, "kept": 1})
    content = json.loads(shortened(raw))
    assert content["metadata"] == {"widgets": {}, "kept": 1}
    assert content["cells"][0] == {**text, "attachments": {}}


def test_many_small_lines_of_one_output_are_counted_together() -> None:
    flood = {"output_type": "stream", "name": "stdout", "text": ["x\n"] * 400_000}
    assert parse_notebook(shortened(notebook(code("a = 1", flood))))[0].submitted.outputs == ()


def test_a_small_file_keeps_every_byte() -> None:
    raw = notebook(code("a = 1", PICTURE))
    assert shortened(raw, len(raw)) == raw


@pytest.mark.parametrize("raw", [b"\0" * 600_000, b"[" + b" " * 600_000, b'{"source": "' + b"x" * 2_000_000])
def test_what_is_large_without_outputs_is_refused(raw: bytes) -> None:
    with pytest.raises(TooLarge):
        shortened(raw)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(TooLarge):
        shortened(b'{"a":' * 300_000)


def test_a_file_made_of_nothing_but_brackets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shorten, "_MAX_STEPS", 1000)
    with pytest.raises(TooLarge):
        shortened(b'{"outputs": [' + b"[]," * 300_000)


def test_of_a_file_far_over_the_limit_no_more_is_held_than_the_limit_takes() -> None:
    class Endless(io.RawIOBase):
        """A notebook with a picture of 200 MB, made as it is read."""

        def __init__(self) -> None:
            super().__init__()
            self._parts = [b'{"cells":[{"cell_type":"code","source":"a","outputs":[{"data":"']
            self._parts += [b"A" * 1024 * 1024] * 200 + [b'"}]}]}']

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            part = self._parts.pop(0) if self._parts else b""
            taken, rest = part[: len(buffer)], part[len(buffer) :]
            if rest:
                self._parts.insert(0, rest)
            buffer[: len(taken)] = taken
            return len(taken)

    tracemalloc.start()
    try:
        raw = read_shortened(io.BufferedReader(Endless()), limit=1000)
        peak = tracemalloc.get_traced_memory()[1]
    except TooLarge:
        raise AssertionError("it fits once the picture is left out") from None
    finally:
        tracemalloc.stop()
    assert json.loads(raw)["cells"][0]["outputs"] == [{}]
    assert peak < 16 * 1024 * 1024


texts = st.text(alphabet='ab"\\{}[],:é\n', max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["outputs", "attachments", "a\\"]) | texts, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, max_size=4), st.integers(1, 9), st.booleans())
def test_any_json_object_passes_unchanged_in_any_pieces_while_nothing_is_over_its_cap(
    content: dict[str, object], size: int, ascii_only: bool
) -> None:
    raw = json.dumps(content, ensure_ascii=ascii_only).encode()
    kept = bytearray()
    scanner = shorten._Scanner(kept)
    for at in range(0, len(raw), size):
        scanner.feed(raw[at : at + size])
    scanner.end()
    assert bytes(kept) == raw


@given(st.lists(values, max_size=4), st.integers(1, 9))
def test_with_a_cap_of_nothing_what_comes_out_is_json_with_empty_outputs(outputs: list, size: int) -> None:
    raw = json.dumps({"cells": [{"outputs": outputs, "source": "x"}]}).encode()
    kept = bytearray()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shorten, "MAX_OUTPUT_BYTES", 0)
        scanner = shorten._Scanner(kept)
        for at in range(0, len(raw), size):
            scanner.feed(raw[at : at + size])
        scanner.end()
    [cell] = json.loads(bytes(kept))["cells"]
    expected = [{} if isinstance(item, list | dict) else item for item in outputs]
    assert (cell["outputs"], cell["source"]) == (expected, "x")
