"""F-strings of Python 3.12, which Colab has, as Python 3.11 reads them.

Since PEP 701 (https://peps.python.org/pep-0701/) the expressions of an f-string may hold its own quotes,
backslashes, comments and line breaks: ``f"{history["loss"][-1]:.3f}"``. The sandbox's Python and the host's
may be older, on which such a cell is no error of the student's.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field

__all__ = ["as_older_python"]

_STRING = re.compile(r"(?i)(?<![\w])(rb|br|fr|rf|f|b|r|u)?('''|\"\"\"|'|\")")
_NEXT = re.compile(r"#[^\n]*|" + _STRING.pattern.replace("(?i)", ""), re.IGNORECASE)
#: Delimiters by how many levels of strings lie within.
_QUOTES = ("'", '"', "'''", '"""')
_DEEPEST = 12
_OPENING, _CLOSING = "([{", ")]}"


class _Unreadable(Exception):
    """This is no f-string, or none that can be written for an older Python."""


@dataclass
class _Plain:
    """A string without expressions, as it stands in the source."""

    text: str
    height: int = 0


@dataclass
class _Field:
    """``{expression!r:spec}``: pieces of code and strings, then what follows them."""

    code: list[str | _Plain | _FString] = field(default_factory=list)
    conversion: str = ""
    spec: list[str | _Field] | None = None

    @property
    def strings(self) -> list[_Plain | _FString]:
        inside = [piece for piece in self.code if not isinstance(piece, str)]
        for part in self.spec or ():
            inside += part.strings if isinstance(part, _Field) else []
        return inside


@dataclass
class _FString:
    prefix: str
    quote: str
    text: str
    parts: list[str | _Field] = field(default_factory=list)

    @property
    def strings(self) -> list[_Plain | _FString]:
        return [inner for part in self.parts if isinstance(part, _Field) for inner in part.strings]

    @property
    def height(self) -> int:
        return 1 + max((inner.height for inner in self.strings), default=-1)

    @property
    def raw(self) -> bool:
        return "r" in self.prefix.lower()


def as_older_python(source: str) -> str | None:
    """Source with f-strings that Python 3.11 reads, line by line the same.

    Returns:
        None where it holds no f-string that needs it, or one that cannot be written so.
    """
    try:
        written = "".join(_rewritten(source))
        if written == source:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(written)
    except (_Unreadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return written


def _rewritten(source: str) -> list[str]:
    done, at = [], 0
    while match := _NEXT.search(source, at):
        done.append(source[at : match.start()])
        if match[0].startswith("#"):
            found, at = match[0], match.end()
        elif "f" in (match[1] or "").lower():
            string, at = _f_string(source, match, 0)
            found = _written(string) if _is_newer(string) else string.text
        else:
            plain, at = _plain(source, match)
            found = plain.text
        done.append(found)
    return [*done, source[at:]]


def _is_newer(string: _FString) -> bool:
    """Whether Python 3.11 refuses it: for its own quote, a backslash, a comment or a line break in code."""
    fields = [part for part in string.parts if isinstance(part, _Field)]
    code = "".join(_source(piece) for each in fields for piece in _all_code(each))
    single = len(string.quote) == 1
    return string.quote in code or "\\" in code or "#" in code or (single and "\n" in code)


def _all_code(each: _Field) -> list[str | _Plain | _FString]:
    inner = [piece for part in each.spec or () if isinstance(part, _Field) for piece in _all_code(part)]
    return [*each.code, *inner]


def _source(piece: str | _Plain | _FString) -> str:
    return piece if isinstance(piece, str) else piece.text


def _plain(source: str, match: re.Match[str]) -> tuple[_Plain, int]:
    end = _end_of(source, match.end(), match[2])
    return _Plain(source[match.start() : end]), end


def _end_of(source: str, at: int, quote: str) -> int:
    while at < len(source):
        if source[at] == "\\":
            at += 2
        elif source.startswith(quote, at):
            return at + len(quote)
        elif source[at] == "\n" and len(quote) == 1:
            break
        else:
            at += 1
    raise _Unreadable


def _f_string(source: str, match: re.Match[str], depth: int) -> tuple[_FString, int]:
    if depth > _DEEPEST:
        raise _Unreadable
    string = _FString(match[1], match[2], "")
    string.parts, at = _parts(source, match.end(), string.quote, depth)
    string.text = source[match.start() : at]
    return string, at


def _parts(source: str, at: int, end: str, depth: int) -> tuple[list[str | _Field], int]:
    """Text and fields up to `end`, a quote or a spec's closing brace; what follows it."""
    parts: list[str | _Field] = []
    start = at
    is_spec = end == "}"
    while at < len(source):
        if source.startswith(end, at):
            return [*parts, source[start:at]], at + (0 if is_spec else len(end))
        character = source[at]
        if character == "\n" and (is_spec or len(end) == 1):
            break
        if (source[at : at + 2] in ("{{", "}}") and not is_spec) or character == "\\":
            at += 2
        elif character == "{":
            parts.append(source[start:at])
            inside, at = _field(source, at + 1, depth)
            parts.append(inside)
            start = at
        else:
            at += 1
    raise _Unreadable


def _field(source: str, at: int, depth: int) -> tuple[_Field, int]:
    found, level, start = _Field(), 0, at
    while at < len(source):
        character = source[at]
        match = _NEXT.match(source, at) if at == start or not source[at - 1].isalnum() else None
        if match is not None and not match[0].startswith("#"):
            found.code.append(source[start:at])
            piece, at = _string(source, match, depth)
            found.code.append(piece)
            start = at
        elif match is not None:
            found.code.append(source[start:at])
            at = start = match.end()
        elif level == 0 and (character in "}:" or (character == "!" and source[at + 1 : at + 2] != "=")):
            found.code.append(source[start:at])
            return _after_code(source, at, found, depth)
        else:
            level += (character in _OPENING) - (character in _CLOSING)
            at += 1
    raise _Unreadable


def _string(source: str, match: re.Match[str], depth: int) -> tuple[_Plain | _FString, int]:
    if "f" in (match[1] or "").lower():
        return _f_string(source, match, depth + 1)
    return _plain(source, match)


def _after_code(source: str, at: int, found: _Field, depth: int) -> tuple[_Field, int]:
    if source[at] == "!":
        end = re.compile(r"!\s*[rsa]\s*(?=[:}])").match(source, at)
        if end is None:
            raise _Unreadable
        found.conversion, at = end[0], end.end()
    if source[at] == ":":
        found.spec, at = _parts(source, at + 1, "}", depth + 1)
    if source[at : at + 1] != "}":
        raise _Unreadable
    return found, at + 1


def _written(string: _FString, *, nested: bool = False) -> str:
    """The string with delimiters that occur nowhere in it."""
    if string.height >= len(_QUOTES):
        raise _Unreadable
    quote = _QUOTES[string.height]
    fields = "".join(_field_written(part) for part in string.parts if isinstance(part, _Field))
    text = "".join(part for part in string.parts if isinstance(part, str))
    if "\n" in fields + text and len(quote) == 1:
        if nested:
            raise _Unreadable
        quote *= 3
    if quote in fields or "\\" in fields:
        raise _Unreadable
    written = [
        _field_written(part) if isinstance(part, _Field) else _text(part, string, quote, nested=nested)
        for part in string.parts
    ]
    return f"{string.prefix}{quote}{''.join(written)}{quote}"


def _field_written(each: _Field) -> str:
    pieces = [
        piece if isinstance(piece, str) else _inner(piece, _beside_string(each.code, place))
        for place, piece in enumerate(each.code)
    ]
    spec = ""
    for part in each.spec or ():
        spec += _field_written(part) if isinstance(part, _Field) else part
    return "{" + "".join(pieces) + each.conversion + (":" + spec if each.spec is not None else "") + "}"


def _beside_string(code: list[str | _Plain | _FString], place: int) -> bool:
    """Whether strings stand side by side there, and are one."""
    before = code[place - 2 : place - 1] if place >= 2 and not str(code[place - 1]).strip() else []
    after = code[place + 2 : place + 3] if place + 1 < len(code) and not str(code[place + 1]).strip() else []
    return any(not isinstance(piece, str) for piece in (*before, *after))


def _inner(piece: _Plain | _FString, beside: bool) -> str:
    """A string within an expression, where no backslash may stand."""
    if isinstance(piece, _FString):
        return _written(piece, nested=True)
    value = ast.literal_eval(piece.text)
    if not isinstance(value, str):
        if "\\" in piece.text or "'" in value.decode("latin-1"):
            raise _Unreadable
        return repr(value)
    if value.isprintable() and not set("'\\") & set(value):
        return f"'{value}'"
    if beside:
        raise _Unreadable
    return f"''.join(map(chr, {[ord(character) for character in value]}))".replace("[", "(").replace(
        "]", ",)"
    )


def _text(part: str, string: _FString, quote: str, *, nested: bool) -> str:
    """Literal text between other delimiters."""
    if nested:
        value = part if string.raw else ast.literal_eval(f"{string.quote}{part}{string.quote}")
        return "".join(
            character
            if character.isprintable() and character not in "'\"\\"
            else "{chr(" + str(ord(character)) + ")}"
            for character in value
        )
    if string.quote == quote:
        return part
    if quote[0] not in part:
        return part
    if string.raw:
        raise _Unreadable
    return re.sub(r"\\.|" + quote[0], lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], part)
