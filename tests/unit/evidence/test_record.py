"""What is said of outcomes, of cut lists, and of cut text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.record import Outcome, ShimKind
from grader.evidence.text import first_lines, shortened
from tests.factories import history, layer_list, model


def test_an_outcome_says_whether_cells_never_ran_and_whose_fault_it_is() -> None:
    early = {outcome for outcome in Outcome if outcome.ended_early}
    assert early == {
        Outcome.TIMEOUT,
        Outcome.OUT_OF_MEMORY,
        Outcome.OUTPUT_LIMIT,
        Outcome.KERNEL_DIED,
    }
    assert [outcome for outcome in Outcome if outcome.our_fault] == [Outcome.SANDBOX_UNAVAILABLE]


def test_a_stand_in_says_whether_our_run_may_show_other_numbers() -> None:
    assert {kind for kind in ShimKind if kind.may_change_numbers} == {
        ShimKind.COLAB_DRIVE,
        ShimKind.COLAB_FILES,
        ShimKind.DATASET,
        ShimKind.IMREAD,
        ShimKind.NETWORK,
        ShimKind.PRETRAINED,
        ShimKind.TRAINING_BUDGET,
    }


A, B = "a: ReLU(inplace=False)", "b: ReLU(inplace=True)"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (layer_list(A), layer_list(A), True),
        (layer_list(A), layer_list(B), False),
        (layer_list(A, cut=True, whole="x"), layer_list(A, cut=True, whole="x"), True),
        (layer_list(A, cut=True, whole="x"), layer_list(A, cut=True, whole="y"), False),
        (layer_list(A, cut=True), layer_list(A, cut=True), None),
        (layer_list(A, cut=True), layer_list(B, cut=True), False),
        (layer_list(A, cut=True), layer_list(f"{A}\n{B}", cut=True, whole="x"), None),
        (layer_list(A), layer_list(f"{A}\n{B}", cut=True), False),
        (layer_list("", cut=True), layer_list(A), None),
    ],
)
def test_networks_are_equal_or_different_only_by_what_is_known(one, other, same) -> None:  # type: ignore[no-untyped-def]
    assert one.same_as(other) is same
    assert other.same_as(one) is same


def test_a_network_that_points_past_the_lists_has_no_known_layers() -> None:
    given = history(layer_lists=(layer_list(A),))
    assert given.layers_of(model(layers=0)) == layer_list(A)
    assert given.layers_of(model(layers=1)) is None
    assert given.layers_of(model()) is None


@given(st.text(max_size=40), st.integers(6, 60))
def test_shortened_text_is_whole_or_says_that_it_is_not(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    assert short == text or short.endswith(" [...]")


def test_lines_that_are_left_out_are_counted() -> None:
    assert first_lines(["a", "b", "c"], 3) == ("a", "b", "c")
    assert first_lines(["a", "b", "c", "d"], 3) == ("a", "b", "and 2 more")
