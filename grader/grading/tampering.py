"""Signs in a notebook's own source that it reaches for the machinery that measures it.

Facts about networks and training are asserted by the student's interpreter, which whoever owns it can make
lie. What does so has to name our code, the kernel's inside, or other people's frames and objects: no lab asks
for any of that. A sign costs nothing; it sends the notebook to a TA before its points count.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterator
from itertools import islice
from threading import Lock

from grader.evidence.record import CellRecord
from grader.facts.code.pieces import Piece, pieces, texts
from grader.facts.code.reaching import Aliases, named_in, reaches
from grader.facts.code.source import ParsedCell, parsed_cells
from grader.facts.fields import Where
from grader.judging.judgement import Judgement, Status

__all__ = ["Sign", "held_back", "signs_in", "signs_of_tampering"]

Sign = tuple[Where, str]

_MOST_SIGNS = 20
#: Notebooks whose signs are remembered: most of them have none.
_REMEMBERED = 20_000


class _Memory:
    """Signs by a digest of the code that was looked through, the oldest forgotten first; safe for threads."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Sign, ...]] = {}
        self._lock = Lock()

    def get(self, digest: bytes) -> tuple[Sign, ...] | None:
        return self._known.get(digest)

    def keep(self, digest: bytes, signs: tuple[Sign, ...]) -> None:
        with self._lock:
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[digest] = signs


_memory = _Memory()


def signs_in(cells: tuple[CellRecord, ...], allowed: Collection[str] = ()) -> tuple[Sign, ...]:
    """As `signs_of_tampering`, worked out once for the same code: it takes as long as most of judging."""
    digest = _digest(cells, allowed)
    known = _memory.get(digest)
    if known is None:
        known = signs_of_tampering(cells, allowed)
        _memory.keep(digest, known)
    return known


def _digest(cells: tuple[CellRecord, ...], allowed: Collection[str]) -> bytes:
    """Of all that signs hang on: code cells with their places, and what the lab allows."""
    total = hashlib.sha256(repr(sorted(allowed)).encode())
    for cell in cells:
        if cell.kind == "code":
            source = cell.source.encode("utf-8", "surrogatepass")
            total.update(b"%d %d " % (cell.index, len(source)) + source)
    return total.digest()


def signs_of_tampering(cells: tuple[CellRecord, ...], allowed: Collection[str] = ()) -> tuple[Sign, ...]:
    """Places where a notebook names what only somebody who forges would need.

    Strings and the bodies of magics are read as code where they are code.

    Args:
        cells: Of the notebook.
        allowed: Modules that the lab asks for.

    Returns:
        Cell and line, and what stands there; empty for ordinary notebooks. Code that is put together at run
        time cannot be seen through, so this is no proof of the contrary.
    """
    parsed = list(parsed_cells(cells))
    code = [pieces(cell) for cell in parsed]
    aliases = Aliases()
    for piece in (piece for found in code for piece in found):
        aliases = aliases.with_those_of(piece.tree)
    signs = (
        sign
        for cell, found in zip(parsed, code, strict=True)
        for sign in _in_cell(cell, found, aliases, allowed)
    )
    return tuple(islice(dict.fromkeys(signs), _MOST_SIGNS))


def held_back(judgement: Judgement, signs: tuple[Sign, ...]) -> Judgement:
    """The judgement with what it earned waiting for a TA; what was lost or open before stays so."""
    if not signs or judgement.share == 0.0:
        return judgement
    where, name = signs[0]
    return judgement.model_copy(
        update={
            "status": Status.NEEDS_TA,
            "share": 0.0,
            "open_share": min(1.0, judgement.share + judgement.open_share),
            "open": f"{judgement.open} Cell {where.cell} uses `{name}`, with which measurements could be"
            " changed, so its points do not count yet.".lstrip(),
            "where": (*judgement.where, *(place for place, _ in signs)),
        }
    )


def _in_cell(
    cell: ParsedCell, found: tuple[Piece, ...], aliases: Aliases, allowed: Collection[str]
) -> Iterator[Sign]:
    if cell.tree is None or cell.magics_left_out:
        yield from _in_words(cell, allowed)
    for piece in found:
        for node, name in reaches(piece.tree, aliases, allowed):
            yield Where(cell=cell.index, line=piece.line_of(node)), name
        for node, text in texts(piece.tree):
            name = named_in(text, allowed)
            if name:
                yield Where(cell=cell.index, line=piece.line_of(node)), name


def _in_words(cell: ParsedCell, allowed: Collection[str]) -> Iterator[Sign]:
    """By words alone, where there is no tree, or not all of the cell is in it."""
    for number, line in enumerate(cell.source.splitlines(), 1):
        name = named_in(unicodedata.normalize("NFKC", line), allowed)
        if name:
            yield Where(cell=cell.index, line=number), name
