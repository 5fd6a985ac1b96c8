"""Which photos make the data set, and which of its parts each person's photos go to. Pure, given a seed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.errors import UsageError

__all__ = ["SPLITS", "Candidate", "balanced", "linked", "split_people"]

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, order=True)
class Candidate:
    """A photo that may go into the data set.

    Attributes:
        person: Whose hand.
        letter: It signs.
        name: Within what was handed in.
    """

    person: str
    letter: str
    name: str


def linked(people: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups people of whom one may have handed in another's photos: no hand may be in two parts."""
    leader = {person: person for person in people}

    def of(person: str) -> str:
        while leader[person] != person:
            person = leader[person]
        return person

    for one, other in pairs:
        if one in leader and other in leader:
            leader[max(of(one), of(other))] = min(of(one), of(other))
    groups: dict[str, list[str]] = defaultdict(list)
    for person in sorted(leader):
        groups[of(person)].append(person)
    return [tuple(group) for group in groups.values()]


def split_people(groups: Sequence[Sequence[str]], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """The part of each person: test and validation get about their share of the people, one group at least.

    Args:
        groups: Of people who stay together.
        shares: Of ``val`` and ``test``, 0 to 1.
        seed: Of the drawing.

    Raises:
        UsageError: There are fewer than three groups.
    """
    if len(groups) < len(SPLITS):
        raise UsageError(
            "there are too few people for training, validation and test set",
            expected=f"photos of {len(SPLITS)} people at least, each of another hand",
            found=f"{len(groups)}",
        )
    drawn = [tuple(group) for group in groups]
    random.Random(seed).shuffle(drawn)  # noqa: S311 - reproducible on purpose; codes of people are drawn elsewhere
    total = sum(map(len, drawn))
    parts: dict[str, str] = {}
    for split in ("test", "val"):
        wanted, got = max(1, round(shares[split] * total)), 0
        while got < wanted and len(drawn) > len(SPLITS) - 1 - (split == "val"):
            group = drawn.pop()
            parts |= dict.fromkeys(group, split)
            got += len(group)
    return parts | {person: "train" for group in drawn for person in group}


def balanced(
    candidates: Iterable[Candidate], parts: Mapping[str, str], letters: Sequence[str], seed: int
) -> list[Candidate]:
    """As many photos of each letter in a part: of the more frequent ones some are left out, drawn by chance.

    Those go first of whom there is most of the letter.

    Raises:
        UsageError: A part has no photo of some letter.
    """
    kept: list[Candidate] = []
    drawing = random.Random(seed)  # noqa: S311 - as above
    for split in SPLITS:
        rows: dict[str, list[Candidate]] = {letter: [] for letter in letters}
        for each in sorted(candidates):
            if parts[each.person] == split:
                rows[each.letter].append(each)
        fewest = min(len(row) for row in rows.values())
        if not fewest:
            lacking = [letter for letter, row in rows.items() if not row]
            raise UsageError(
                f"the {split} set would have no photo of {', '.join(lacking)}",
                todo="accept more photos, or give fewer people to the other parts",
            )
        for row in rows.values():
            kept += _fewer(row, fewest, drawing)
    return sorted(kept)


def _fewer(row: list[Candidate], most: int, drawing: random.Random) -> list[Candidate]:
    drawing.shuffle(row)
    while len(row) > most:
        often = Counter(each.person for each in row)
        row.remove(max(row, key=lambda each: often[each.person]))
    return row
