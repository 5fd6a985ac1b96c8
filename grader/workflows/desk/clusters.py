"""Which answers are equal and which are near to them: sorted as they come, each once."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from grader.judging.judgement import Status
from grader.store.answers import AnswerRecord
from grader.store.class_rows import ClassRow
from grader.workflows.desk.likeness import are_near, turns_of

__all__ = ["WHYS", "Cluster", "Clusters", "Key", "Why", "digest_of", "key_of"]

Why = Literal["equal answers", "empty answers", "untouched", "equal findings"]
WHYS: tuple[Why, ...] = get_args(Why)
#: What alike submissions share.
Key = tuple[Why, str]

#: An answer is compared with so many others that share a phrase with it.
_COMPARED = 50
_PHRASE = 3
_PHRASES = 4


@dataclass
class Cluster:
    """Equal answers, and others that are near to them.

    Attributes:
        keys: The first, then those that are near to it, each with its place.
        size: Submissions of all of them that wait or that a person has decided, so that it stays the same
            while they are marked.
    """

    keys: dict[Key, int]
    size: int = 0


class Clusters:
    """Clusters of what was seen so far; no answer is near to two."""

    def __init__(self) -> None:
        self._of: dict[Key, Cluster] = {}
        self._heads: dict[Key, AnswerRecord] = {}
        self._by_phrase: dict[tuple[int, str], list[Key]] = defaultdict(list)

    def __contains__(self, key: Key) -> bool:
        return key in self._of

    def of(self, key: Key) -> Cluster:
        return self._of[key]

    def add(self, key: Key, answer: AnswerRecord | None) -> None:
        """Takes a key that is not there yet, with one answer that has it, where answers are what is alike."""
        if answer is None or key[0] != "equal answers":
            self._of[key] = Cluster({key: 0})
            return
        phrases = _phrases(answer)
        candidates = dict.fromkeys(
            other for phrase in phrases for other in self._by_phrase.get(phrase, ())[:_COMPARED]
        )
        like = next((other for other in candidates if are_near(self._heads[other], answer)), None)
        if like is not None:
            cluster = self._of[key] = self._of[like]
            cluster.keys[key] = len(cluster.keys)
            return
        self._of[key], self._heads[key] = Cluster({key: 0}), answer
        for phrase in phrases:
            self._by_phrase[phrase].append(key)

    def add_all(self, new: Mapping[Key, AnswerRecord | None], sizes: Mapping[Key, int]) -> None:
        """Takes several, the most frequent first, so that rarer ones stand beside them."""
        for key in sorted(new, key=lambda key: (-sizes[key], key[1])):
            self.add(key, new[key])


def key_of(row: ClassRow, answer: AnswerRecord | None, *, question: bool) -> Key | None:
    """What alike submissions share; None where nothing can be said to be alike.

    Args:
        row: Where the criterion stands.
        answer: What the answer looks like; None where that cannot be told.
        question: Whether a person decides by design, so that answers are to be alike, not findings.
    """
    if not question or row.status != Status.NEEDS_TA:
        return "equal findings", row.alike
    if answer is None or answer.state == "not found":
        return None
    if answer.state == "untouched":
        return "untouched", digest_of("untouched", row.alike)
    if answer.state == "empty":
        return "empty answers", digest_of("empty", row.alike)
    return "equal answers", digest_of("answer", answer.prose, answer.code, answer.shown)


def digest_of(*texts: str) -> str:
    return hashlib.sha256("\x00".join(texts).encode("utf-8", "replace")).hexdigest()[:32]


def _phrases(answer: AnswerRecord) -> list[tuple[int, str]]:
    """A few of an answer's phrases, chosen alike in every answer that has them, to find its like by.

    Each comes with what has to be the same in answers that are near.

    Source: Broder, "On the resemblance and containment of documents" (1997): the smallest hashes of shingles.
    """
    words = answer.prose.split() or answer.calls.split()
    phrases = {" ".join(words[at : at + _PHRASE]) for at in range(max(1, len(words) - _PHRASE + 1))}
    hashes = sorted(zlib.crc32(phrase.encode("utf-8", "replace")) for phrase in phrases if phrase)
    turns = turns_of(answer)
    return [(found, turns) for found in hashes[:_PHRASES]]
