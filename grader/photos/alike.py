"""Which photos are the same picture, within a student's own and across a class.

A perceptual hash finds candidates, also among mirrored pictures; a small copy of the one, in colour, is then
laid over that of the other, moved a little, and their correlation decides. Three takes of one sign before one
wall are like each other too, so that only what is nearly equal counts, and even that is a hint for a person.
A part that was cut out and enlarged is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.evidence.photos import Alike

__all__ = ["SMALL", "Fingerprint", "find_alike"]

#: Side of the small copies.
SMALL = 48
_HASH_BITS = 14
#: Correlations: without moving anything, so that it is worth to look closer; and of what is the same.
_WORTH_A_LOOK = 0.88
_SAME = 0.996
_MOVED = 2
_ROWS = 256
_MOST = 20

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a photo is compared by.

    Attributes:
        student: Whose; empty for a picture that the course knew before.
        name: Within what the student handed in.
        sha256, pixels: Digests of the file and of what it shows.
        hash, mirrored: Perceptual hashes of 64 bits, of the picture and of its mirror image.
        small: (48, 48, 3) bytes.
    """

    student: str
    name: str
    sha256: str
    pixels: str
    hash: int
    mirrored: int
    small: npt.NDArray[np.uint8]


def find_alike(photos: Sequence[Fingerprint]) -> list[tuple[Alike, ...]]:
    """For each photo the others that it is like, own ones first; known ones are not compared with each other.

    Args:
        photos: Of the whole class, and known ones.
    """
    found: list[list[Alike]] = [[] for _ in photos]
    for one, other in _candidates(photos):
        how, likeness, mirrored = _likeness(photos[one], photos[other])
        if how:
            for this, that in ((one, other), (other, one)):
                found[this].append(_seen_from(photos[this], photos[that], how, likeness, mirrored))
    order = {"own": 0, "another": 1, "known": 2}
    return [
        tuple(sorted(each, key=lambda item: (order[item.whose], -item.likeness, item.picture))[:_MOST])
        for each in found
    ]


def _candidates(photos: Sequence[Fingerprint]) -> Iterator[tuple[int, int]]:
    """Pairs whose hashes differ in few bits, and whose small copies are alike as they are."""
    if not photos:
        return
    plain = np.array([photo.hash for photo in photos], dtype=np.uint64)
    mirrored = np.array([photo.mirrored for photo in photos], dtype=np.uint64)
    known = np.array([not photo.student for photo in photos])
    units = np.stack([_unit(photo.small).ravel() for photo in photos])
    flipped = np.stack([_unit(photo.small[:, ::-1]).ravel() for photo in photos])
    for start in range(0, len(photos), _ROWS):
        rows, mine = plain[start : start + _ROWS, None], units[start : start + _ROWS]
        near = (np.bitwise_count(rows ^ plain[None]) <= _HASH_BITS) & (mine @ units.T > _WORTH_A_LOOK)
        turned = np.bitwise_count(rows ^ mirrored[None]) <= _HASH_BITS
        near |= turned & (mine @ flipped.T > _WORTH_A_LOOK)
        near &= ~(known[start : start + _ROWS, None] & known[None])
        for row, column in zip(*np.nonzero(near), strict=True):
            if start + row < column:
                yield int(start + row), int(column)


def _likeness(one: Fingerprint, other: Fingerprint) -> tuple[str, float, bool]:
    """In what way two pictures are the same, empty where they are not."""
    if one.sha256 == other.sha256:
        return "bytes", 1.0, False
    if one.pixels == other.pixels:
        return "pixels", 1.0, False
    for mirrored in (False, True):
        turned = other.small[:, ::-1] if mirrored else other.small
        likeness = _best(one.small, turned)
        if likeness >= _SAME:
            return "shows", round(likeness, 4), mirrored
    return "", 0.0, False


def _best(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Largest correlation of the two, of which one may be moved by some pixels."""
    inner = _unit(one[_MOVED:-_MOVED, _MOVED:-_MOVED])
    windows = np.lib.stride_tricks.sliding_window_view(other, inner.shape)[..., :, :, :]
    moved = windows.reshape(-1, inner.size).astype(np.float32)
    moved -= moved.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(moved, axis=1)
    return float((moved @ inner.ravel() / np.maximum(lengths, 1e-6)).max())


def _unit(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    values = picture.astype(np.float32)
    values -= values.mean()
    unit: npt.NDArray[np.float32] = values / max(float(np.linalg.norm(values)), 1e-6)
    return unit


def _seen_from(this: Fingerprint, that: Fingerprint, how: str, likeness: float, mirrored: bool) -> Alike:
    whose = "known" if not that.student else "own" if that.student == this.student else "another"
    return Alike.model_validate(
        {
            "how": how,
            "whose": whose,
            "picture": that.name if whose == "own" else that.sha256[:16],
            "likeness": likeness,
            "mirrored": mirrored,
        }
    )
