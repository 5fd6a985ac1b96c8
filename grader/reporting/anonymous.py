"""A student's text as an example for others: without the ids and names of people, comments and strings."""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from grader.reporting.text import clean

__all__ = ["Disguise", "without_words"]

_FEWEST_CHARACTERS = 3
#: Shorter numbers are counts and sizes far more often than somebody's id.
_FEWEST_DIGITS = 5
_STAND_IN = "(student)"
_QUOTED = re.compile(r"(?<!\w)(['\"])((?:\\.|(?!\1)[^\\\n])*)\1(?!\w)")
#: What Python quotes in its own messages: names of variables, of attributes and of types.
_OF_PYTHON = re.compile(r"[a-z_][a-z0-9_]*|NoneType|Tensor|")
_WORDS_OF_PYTHON = {*keyword.kwlist, *dir(builtins)}


@dataclass(frozen=True)
class Disguise:
    """Hides who a text is of, and leaves what is wrong in it.

    Attributes:
        student: The id.
        name: The student's name, in any order; empty where none is known.
        course_text: Text of the rubric, whose strings are nobody's own.
    """

    student: str
    name: str = ""
    course_text: str = ""

    def message(self, text: str) -> str:
        """A message; strings that the student may have written are emptied."""
        return self._unnamed(_QUOTED.sub(self._string, clean(text)))

    def text(self, text: str) -> str:
        """Whatever the student wrote or printed, as it is but for names."""
        return self._unnamed(text)

    def code(self, line: str) -> str:
        """A line of code without comments and strings."""
        return self._unnamed(without_words(clean(line)), of_code=True)

    def _string(self, found: re.Match[str]) -> str:
        kept = _OF_PYTHON.fullmatch(found[2]) or found[2] in self.course_text
        return found[0] if kept else f"{found[1]}...{found[1]}"

    def _unnamed(self, text: str, *, of_code: bool = False) -> str:
        """Prose may use ``mark`` where Mark wrote it; code has no such words but those of Python."""
        for word in self._words():
            whole = word in (self.student, self.name)
            any_case = (whole or of_code) and word.lower() not in _WORDS_OF_PYTHON
            text = re.sub(_alone(word), _STAND_IN, text, flags=re.IGNORECASE if any_case else 0)
        return text

    def _words(self) -> Iterator[str]:
        """What names the student, the longest first; a word of Python in the student's place stays code."""
        words = {self.student, self.name, *re.split(r"[\s,]+", self.name)}
        told = (word for word in words if _tells(word) and word not in _WORDS_OF_PYTHON)
        yield from sorted(told, key=lambda word: (-len(word), word))


def _tells(word: str) -> bool:
    return len(word) >= (_FEWEST_DIGITS if word.isdigit() else _FEWEST_CHARACTERS)


def _alone(word: str) -> str:
    """The word by itself: ``ada`` in ``ada_net`` and in ``by Ada``, not in ``Adam``; 12345 not in 1.12345."""
    before, after = (r"(?<!\d\.)", r"(?!\.\d)") if word.isdigit() else ("", "")
    return rf"{before}(?<![^\W_]){re.escape(word)}(?![^\W_]){after}"


def without_words(line: str) -> str:
    """A line of code with its comment taken out and its strings emptied; nothing where that is not sure."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line).readline))
    except (tokenize.TokenError, SyntaxError):
        return "" if re.search(r"[\"'#]", line) else line
    for token in reversed(tokens):
        (_, start), (_, end) = token.start, token.end
        if token.type == tokenize.COMMENT:
            line = line[:start] + line[end:]
        elif token.type == tokenize.STRING:
            line = f'{line[:start]}"..."{line[end:]}'
    return line.strip()
