"""Numbers that are read from running text."""

from __future__ import annotations

import pytest

from grader.facts.words.labelled import exchanged
from grader.facts.words.numbers import numbers_in, states


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8000, 2000", (8000, 2000)),
        ("8,000 images", (8000, 8, 0)),
        ("64,128", (64128, 64, 128)),
        ("lr0.01 epoch29 v2", ()),
        ("0.01 and 1e-3.", (0.01, 0.001)),
        ("**386**, $9705$", (386, 9705)),
        ("torch 3.14.15 of 2020", (2020,)),
        ("$8{,}000$", (8000, 8, 0)),
        (r"8\,000", (8000, 8, 0)),
        ("8x10^3 and 2 x 10**3", (8000, 2000)),
        (r"$8 \times 10^{3}$", (8000,)),
        ("8·10³ and 10²", (8000, 100)),
        ("1.5 × 10^4", (15000,)),
        ("训练集有8000张图片", (8000,)),
        ("テスト2000枚", (2000,)),
        ("8千张", ()),
    ],
)
def test_numbers_are_read_from_running_text(text: str, expected: tuple[float, ...]):
    assert numbers_in(text) == expected


def test_not_a_number_states_nothing():
    assert not states([float("nan")], 1.0)
    assert not states([1.0], float("nan"))
    assert states([0.1 + 0.2], 0.3)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2.000 Bilder im training und 8.000 im test", True),
        ("8.000 Bilder im training und 2.000 im test", False),
        ("2000 images de training et 8000 de test", True),
        ("2000 imágenes de training y 8000 de test", True),
        ("training 有2000张图片，test 有8000张", True),
        ("training 有8000张图片，test 有2000张", False),
        ("training 2000, а test 8000", True),
    ],
)
def test_numbers_exchanged_between_labels_are_told_in_other_languages_too(text: str, wrong: bool):
    assert bool(exchanged(text, {"training": 8000, "test": 2000}, 0.0)) is wrong
