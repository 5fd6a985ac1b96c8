"""Text on its way into a page: nothing that moves a cursor, hides or turns round what is read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "UNCLEAN",
    "clean",
    "coloured",
    "count",
    "duration",
    "first_sentences",
    "listed",
    "number",
    "overwritten",
    "plain",
    "shortened",
]

# ECMA-48: strings (OSC, DCS, PM, APC, SOS) up to their terminator or the end of the line, then control
# sequences, then the remaining two-character escapes; in 7-bit and 8-bit form.
_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_COLOURS = re.compile(r"(\x1b\[[\d;]*m)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_READ_CHARACTERS = 4_000
_SENTENCES = re.compile(r"(?:`[^`]*`|.)*?(?:[.!?](?=\s|$)\s*|$)", re.DOTALL)
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: All that any of them begins with, as ranges of a regular expression; most texts have none of it.
UNCLEAN = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNCLEAN = re.compile(f"[{UNCLEAN}]")


def clean(text: str) -> str:
    """Text without escape sequences and control characters, bidirectional controls made visible.

    A direction override can make code read otherwise than it runs ("Trojan Source", CVE-2021-42574); it
    is shown as ``<U+202E>`` rather than dropped, since it is part of what was handed in.
    """
    if _UNCLEAN.search(text) is None:
        return text
    text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
    text = _SURROGATES.sub("\ufffd", text)
    return _DIRECTIONS.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def coloured(text: str) -> str:
    """`clean`, but for escape sequences that set colours, which stay."""
    return "".join(part if at % 2 else clean(part) for at, part in enumerate(_COLOURS.split(text)))


def overwritten(text: str) -> str:
    """Of a line that was written over by carriage returns only what stayed on the screen."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def shortened(text: str, limit: int) -> str:
    """At most about `limit` characters, cut in the middle so that both ends stay."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[-tail:]}"


def first_sentences(text: str, limit: int) -> str:
    """As many whole sentences as fit into `limit` characters, at least the first, with code spans whole."""
    kept = ""
    for sentence in _SENTENCES.findall(text[:_READ_CHARACTERS]):
        if kept and len(kept) + len(sentence) > limit:
            break
        kept += sentence
    return kept.strip()


def number(value: float) -> str:
    """A number as people write it: ``2``, ``1.5``, ``0.33``, ``1e-05``."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("infinity" if value > 0 else "-infinity")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    rounded = round(value, 2)
    return f"{rounded:g}" if abs(value) >= 0.1 and abs(rounded) < 1e6 else f"{value:.4g}"


def count(amount: float, noun: str, plural: str = "") -> str:
    """``1 point``, ``2 points``."""
    return f"{number(amount)} {noun if amount == 1 else plural or noun + 's'}"


def listed(parts: Iterable[str], joint: str = "and") -> str:
    """``a, b and c``."""
    *most, last = list(parts) or [""]
    return f"{', '.join(most)} {joint} {last}" if most else last


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def plain(value: Any) -> str:
    """A value from a finding's data, in the words of the notebook: ``[64, 10]``, ``386``, ``yes``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(part)}" for key, part in value.items())
    if isinstance(value, Sequence):
        return f"[{', '.join(plain(part) for part in value)}]"
    return str(value)
