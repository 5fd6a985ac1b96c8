"""Who goes where, which photos go, and what is done to them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grader.errors import UsageError
from grader.photos.clean import what_else
from grader.photos.dataset import SPLITS, Candidate, balanced, linked, split_people
from grader.photos.measure import measure
from grader.photos.prepare import prepare, steps_for
from tests.photo_class import jpeg

SHARES = {"val": 0.2, "test": 0.2}


@given(people=st.integers(3, 60), seed=st.integers(0, 99))
def test_every_person_has_one_part_and_no_part_is_empty(people: int, seed: int) -> None:
    groups = [(f"s{number}",) for number in range(people)]
    parts = split_people(groups, SHARES, seed)
    assert set(parts) == {f"s{number}" for number in range(people)}
    assert set(parts.values()) == set(SPLITS)
    if people >= 10:
        assert abs(sum(part == "test" for part in parts.values()) - people * 0.2) <= 1


def test_the_same_seed_draws_the_same_people_and_another_one_others() -> None:
    groups = [(f"s{number}",) for number in range(20)]
    assert split_people(groups, SHARES, 1) == split_people(groups, SHARES, 1)
    assert split_people(groups, SHARES, 1) != split_people(groups, SHARES, 2)


def test_people_of_whom_one_has_the_others_photos_stay_together() -> None:
    groups = linked("abcdefg", [("a", "b"), ("b", "c"), ("e", "absent")])
    assert ("a", "b", "c") in groups
    for seed in range(20):
        parts = split_people(groups, SHARES, seed)
        assert parts["a"] == parts["b"] == parts["c"]


def test_three_people_are_needed() -> None:
    with pytest.raises(UsageError, match="too few people"):
        split_people(linked("abc", [("a", "b")]), SHARES, 0)


def test_a_part_has_as_many_photos_of_each_letter() -> None:
    rng = np.random.default_rng(0)
    people = {f"s{number}": SPLITS[number % 3] for number in range(12)}
    candidates = [
        Candidate(person, letter, f"{letter}{take}")
        for person in people
        for letter in "ABC"
        for take in range(int(rng.integers(1, 6)))
    ]
    kept = balanced(candidates, people, "ABC", 5)
    assert set(kept) <= set(candidates)
    for split in SPLITS:
        counts = dict.fromkeys("ABC", 0)
        for each in kept:
            counts[each.letter] += people[each.person] == split
        assert len(set(counts.values())) == 1 and min(counts.values()) > 0


def test_a_part_without_a_letter_is_named() -> None:
    candidates = [Candidate("a", "A", "1"), Candidate("b", "A", "1"), Candidate("c", "B", "1")]
    parts = {"a": "train", "b": "val", "c": "test"}
    with pytest.raises(UsageError, match="the train set would have no photo of B"):
        balanced(candidates, parts, "AB", 0)


def middle_of_hand(raw: bytes) -> tuple[float, float]:
    looks = measure(raw).photo.looks
    assert looks is not None and looks.hand is not None
    return looks.hand.x, looks.hand.y


@pytest.mark.parametrize("shift", [-50, 0, 50])
@pytest.mark.parametrize("shape", [(224, 224), (300, 224)])
def test_the_hand_comes_nearer_to_the_middle_and_is_not_cut(
    photos: list[Image.Image], shift: int, shape: tuple[int, int]
) -> None:
    wide = np.pad(np.asarray(photos[0]), ((0, 0), (0, shape[0] - 224), (0, 0)), "edge")
    raw = jpeg(np.roll(wide, shift, axis=1))
    before = measure(raw).photo
    made = prepare(raw, steps_for(before, size=128))
    after = measure(made).photo
    assert (after.width, after.height) == (128, 128)
    assert before.looks and after.looks and before.looks.hand and after.looks.hand
    assert abs(after.looks.hand.x - 0.5) <= abs(before.looks.hand.x - 0.5) + 0.03
    assert after.looks.hand.at_left < 0.05 and after.looks.hand.at_right < 0.05


def test_nothing_but_pixels_goes_over(photos: list[Image.Image]) -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x8825] = "Jane Doe", {1: "N"}
    raw = jpeg(photos[0], exif=exif, comment=b"Jane Doe", icc_profile=b"Jane Doe" * 20)
    assert what_else(raw)
    for form in ("JPEG", "PNG"):
        made = prepare(raw, steps_for(measure(raw).photo, size=224, written=form))  # type: ignore[arg-type]
        assert what_else(made) == ""
        assert b"Jane" not in made


@pytest.mark.parametrize("more", [b"Jane Doe", b"\0"])
def test_bytes_behind_a_picture_are_found(photos: list[Image.Image], more: bytes) -> None:
    buffer = io.BytesIO()
    photos[0].save(buffer, "PNG")
    assert what_else(jpeg(photos[0])) == ""
    assert what_else(buffer.getvalue()) == ""
    assert "behind" in what_else(jpeg(photos[0]) + more)
    assert "behind" in what_else(buffer.getvalue() + more)
    assert what_else(b"GIF89a") == "it is neither JPEG nor PNG"
