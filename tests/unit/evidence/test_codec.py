import contextlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.errors import EvidenceError
from grader.evidence.arrays import DTYPES, ArrayHeader, Arrays, read_array
from grader.evidence.codec import Bundle, decode, decode_texts, encode, pack, unpack
from grader.evidence.record import CellRecord, CellRun, Evidence, Outcome, WatchedValue
from grader.evidence.values import ArrayValue, FloatValue, SequenceValue, StrValue, Value

MIB = 1024 * 1024


def bundle_with(*values: Value, arrays: tuple[np.ndarray, ...] = ()) -> Bundle:
    watched = tuple(WatchedValue(name=f"v{i}", cell=i, value=value) for i, value in enumerate(values))
    return Bundle(
        Evidence(notebook="0" * 64, plan="1" * 64, outcome=Outcome.COMPLETED, values=watched), list(arrays)
    )


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_survives_the_codec_nan_and_infinity_included(number: float) -> None:
    read = decode(encode(bundle_with(FloatValue(value=number)))).evidence.values[0].value
    assert isinstance(read, FloatValue)
    assert read.value == number or (math.isnan(number) and math.isnan(read.value))


def test_nan_is_written_as_a_word_and_the_text_nan_stays_text() -> None:
    raw = encode(bundle_with(FloatValue(value=math.nan), StrValue(value="NaN", length=3)))
    assert b'"NaN"' in raw and b":NaN" not in raw
    number, text = (watched.value for watched in decode(raw).evidence.values)
    assert isinstance(number, FloatValue) and math.isnan(number.value)
    assert text == StrValue(value="NaN", length=3)


@given(
    hnp.arrays(
        dtype=st.sampled_from([np.dtype(name) for name in DTYPES]),
        shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_arrays_of_every_dtype_and_shape_survive_bit_by_bit(array: np.ndarray) -> None:
    _, (read,) = unpack(pack(b"{}", [array]), limit_bytes=MIB)
    assert read.dtype == array.dtype and read.shape == array.shape
    assert read.tobytes() == array.tobytes()
    assert not read.flags.writeable


def test_equal_bundles_give_equal_bytes() -> None:
    value = SequenceValue(type="list", items=(FloatValue(value=0.1), StrValue(value="é", length=1)), length=2)
    assert encode(bundle_with(value)) == encode(bundle_with(value))


@given(st.binary(max_size=300))
def test_any_bytes_are_evidence_or_one_clear_error(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        decode(raw)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_never_escapes_as_another_exception(position: int, byte: int) -> None:
    raw = bytearray(encode(bundle_with(FloatValue(value=1.5), arrays=(np.arange(6.0),))))
    raw[position % len(raw)] = byte
    with contextlib.suppress(EvidenceError):
        decode(bytes(raw))


@given(st.integers(1, 400))
def test_a_cut_frame_is_refused(missing: int) -> None:
    raw = encode(bundle_with(arrays=(np.arange(100.0),)))
    with pytest.raises(EvidenceError):
        decode(raw[:-missing])


def test_an_array_that_claims_more_than_its_bytes_is_refused() -> None:
    with pytest.raises(EvidenceError, match="lies about its size"):
        read_array(ArrayHeader(dtype="float32", shape=(1000, 1000)), b"\0" * 16)


def test_a_shape_whose_product_overflows_is_refused_without_allocating() -> None:
    with pytest.raises(EvidenceError):
        read_array(ArrayHeader(dtype="uint8", shape=(2**40, 2**40)), b"")


def test_left_over_bytes_are_refused() -> None:
    with pytest.raises(EvidenceError, match="left over"):
        unpack(pack(b"{}", [np.zeros(2)]) + b"x", limit_bytes=MIB)


def test_object_arrays_cannot_be_announced() -> None:
    headers = b'[{"dtype":"object","shape":[1]}]'
    raw = struct.pack(">4sII", b"GRE1", len(headers), 2) + headers + b"{}" + b"\0" * 8
    with pytest.raises(EvidenceError, match="may not cross the wall"):
        unpack(raw, limit_bytes=MIB)


def test_a_bool_array_with_other_bytes_is_refused() -> None:
    with pytest.raises(EvidenceError, match="bool"):
        read_array(ArrayHeader(dtype="bool", shape=(2,)), b"\x01\x02")


def test_evidence_over_the_cap_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(EvidenceError, match="larger than allowed"):
        unpack(b"\0" * 100, limit_bytes=99)


def test_deeply_nested_json_is_refused() -> None:
    nested = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with pytest.raises(EvidenceError):
        decode(pack(nested))


def test_evidence_of_another_schema_version_is_refused() -> None:
    raw = encode(bundle_with()).replace(b'"schema_version":2', b'"schema_version":9')
    with pytest.raises(EvidenceError, match="a version that this program does not read") as refused:
        decode(raw)
    assert (refused.value.expected, refused.value.found) == ("1, 2", "9")
    assert refused.value.todo


def test_a_value_cannot_point_past_the_arrays_or_lie_about_its_shape() -> None:
    bundle = bundle_with(arrays=(np.zeros((2, 3)),))
    with pytest.raises(EvidenceError, match="not there"):
        bundle.array(ArrayValue(type="torch.Tensor", dtype="float64", shape=(2, 3), array=1))
    with pytest.raises(EvidenceError, match="lies about its shape"):
        bundle.array(ArrayValue(type="torch.Tensor", dtype="float64", shape=(6,), array=0))


def test_the_array_list_stops_at_its_cap_and_keeps_copies() -> None:
    arrays = Arrays(limit_bytes=100)
    source = np.zeros(10)
    assert arrays.add(source) == 0
    source[:] = 7.0
    assert arrays[0].max() == 0.0
    assert arrays.add(np.zeros(10)) is None
    assert arrays.add(np.array([object()])) is None
    assert len(arrays) == 1 and arrays.nbytes == 80


def test_the_words_of_cells_are_read_without_all_else() -> None:
    cells = (
        CellRecord(index=0, kind="markdown", source="# Part 1"),
        CellRecord(index=1, kind="code", source="1 / 0", run=CellRun(status="error"), source_cut=True),
    )
    raw = encode(
        Bundle(
            Evidence(notebook="0" * 64, plan="1" * 64, outcome=Outcome.COMPLETED, cells=cells), [np.arange(3)]
        )
    )
    assert [(each.index, each.kind, each.source) for each in decode_texts(raw)] == [
        (0, "markdown", "# Part 1"),
        (1, "code", "1 / 0"),
    ]


@pytest.mark.parametrize("body", [b"{}", b'{"schema_version": 99}', b"[]", b'{"schema_version":2,"cells":3}'])
def test_words_of_what_is_no_evidence_are_refused_as_the_evidence_is(body: bytes) -> None:
    with pytest.raises(EvidenceError):
        decode_texts(pack(body))
