"""`grader similar`: pairs of submissions whose code is suspiciously equal; a list for a person, never a mark.

Lines are compared with names and texts taken out, since renaming is the first thing that a copier does. What
the handout gave, and what more than a quarter of the class wrote alike, says nothing and is left out.

Source: Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting" (SIGMOD
2003), section 4, for leaving out passages that many share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Name, String, Whitespace, _TokenType
from rapidfuzz.distance import Indel, LCSseq

from grader.evidence.record import CellText
from grader.facts.handout import Handout, line_digests, source_digest

__all__ = [
    "CodeLine",
    "NearCopy",
    "Place",
    "Shared",
    "StudentCode",
    "forget_code",
    "near_copies",
    "shape_of",
    "shapes_of",
    "shared_code",
    "student_code",
]

#: Shorter lines (`else:`, a bracket) are equal by chance.
_FEWEST_TOKENS = 4
_COMMON_SHARE = 0.25
_FEWEST_COMMON = 3
_KEPT_NAMES = (Name.Builtin, Name.Namespace, Name.Builtin.Pseudo, Name.Exception)


@dataclass(frozen=True)
class Place:
    """A line of the submitted file: cell from 0, line from 1."""

    cell: int
    line: int


@dataclass(frozen=True)
class CodeLine:
    """A line of the student's own code, without comments and white space.

    Attributes:
        written: Its tokens.
        shape: The same with the student's names and texts taken out.
    """

    place: Place
    written: str
    shape: str


@dataclass(frozen=True)
class StudentCode:
    """All lines that a student wrote for one assignment."""

    student: str
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True)
class NearCopy:
    """Two submissions that a person should lay side by side.

    Attributes:
        share: Part of the two students' distinctive lines that are equal and in the same order, names apart.
        share_as_written: The same with the names.
        lines: Distinctive lines of each.
        longest: Lines of the longest equal stretch, and where it begins in each.
    """

    first: str
    second: str
    share: float
    share_as_written: float
    lines: tuple[int, int]
    longest: int
    places: tuple[Place, Place]


@dataclass(frozen=True)
class Shared:
    """What two submissions have in common, whatever their share.

    Attributes:
        share, share_as_written, lines: As of a `NearCopy`; both shares are 0 where nothing is equal.
        stretches: Distinctive lines that follow each other in both, names apart, the longest first: how
            many, and where they begin in each.
    """

    share: float
    share_as_written: float
    lines: tuple[int, int]
    stretches: tuple[tuple[int, Place, Place], ...]


def student_code(student: str, cells: Sequence[CellText], handout: Handout | None = None) -> StudentCode:
    """Takes out what the handout gave.

    Args:
        student: Whose.
        cells: Of the notebook.
        handout: Its cells that were left unchanged are not the student's, nor are its lines in other cells.
    """
    cells_given = frozenset(cell.sha256 for cell in handout.cells) if handout else frozenset()
    lines_given = frozenset(line for cell in handout.cells for line in cell.lines) if handout else frozenset()
    own = [cell for cell in cells if cell.kind == "code" and source_digest(cell.source) not in cells_given]
    return StudentCode(student, tuple(line for cell in own for line in _own_lines(cell, lines_given)))


def _own_lines(cell: CellText, given: Collection[str]) -> Iterator[CodeLine]:
    if not given:
        return _lines(cell)
    digests = line_digests(cell.source)
    return (line for line in _lines(cell) if digests[line.place.line - 1] not in given)


def near_copies(
    codes: Sequence[StudentCode],
    *,
    least_share: float = 0.5,
    fewest_lines: int = 8,
    told: Callable[[int], None] = lambda _: None,
) -> list[NearCopy]:
    """Compares every two students, most alike first.

    Args:
        codes: Of one assignment.
        least_share: Pairs that share less are not listed.
        fewest_lines: Students with fewer distinctive lines are not compared.
        told: Told how many students are compared with all others.
    """
    common = _common([shapes_of(code) for code in codes])
    distinctive = [
        (code.student, [line for line in code.lines if line.shape not in common]) for code in codes
    ]
    compared = [(student, lines) for student, lines in distinctive if len(lines) >= fewest_lines]
    found: list[NearCopy] = []
    for number, one in enumerate(compared):
        pairs = (_pair(one, other, least_share) for other in compared[number + 1 :])
        found += [pair for pair in pairs if pair is not None]
        told(number + 1)
    return sorted(found, key=lambda pair: (-pair.share, -pair.share_as_written, pair.first, pair.second))


def shapes_of(code: StudentCode) -> frozenset[str]:
    """What of a student's lines tells what the class writes anyway."""
    return frozenset(line.shape for line in code.lines)


def shared_code(one: StudentCode, other: StudentCode, class_: Sequence[Collection[str]] = ()) -> Shared:
    """Two students' code beside each other, for whoever looks at the two.

    Args:
        one: The first.
        other: The second.
        class_: `shapes_of` others of the same assignment; what many of them wrote as well says nothing and is
            left out.
    """
    common = _common([shapes_of(one), shapes_of(other), *class_])
    lines, others = ([line for line in code.lines if line.shape not in common] for code in (one, other))
    shapes, other_shapes = [line.shape for line in lines], [line.shape for line in others]
    written, other_written = [line.written for line in lines], [line.written for line in others]
    equal = [block for block in LCSseq.opcodes(shapes, other_shapes) if block.tag == "equal"]
    equal.sort(key=lambda block: (block.src_start - block.src_end, block.src_start))
    return Shared(
        share=Indel.normalized_similarity(shapes, other_shapes) if equal else 0.0,
        share_as_written=Indel.normalized_similarity(written, other_written) if equal else 0.0,
        lines=(len(lines), len(others)),
        stretches=tuple(
            (block.src_end - block.src_start, lines[block.src_start].place, others[block.dest_start].place)
            for block in equal
        ),
    )


def _common(codes: Sequence[Collection[str]]) -> Collection[str]:
    """Shapes of lines, of each student's, that so many wrote that they tell nothing."""
    counts = Counter(shape for shapes in codes for shape in shapes)
    most = max(_FEWEST_COMMON, int(_COMMON_SHARE * len(codes)))
    return {shape for shape, students in counts.items() if students > most}


def _pair(
    one: tuple[str, list[CodeLine]], other: tuple[str, list[CodeLine]], least_share: float
) -> NearCopy | None:
    (first, lines), (second, others) = one, other
    shapes, other_shapes = [line.shape for line in lines], [line.shape for line in others]
    share = Indel.normalized_similarity(shapes, other_shapes, score_cutoff=least_share)
    equal = [block for block in LCSseq.opcodes(shapes, other_shapes) if block.tag == "equal"] if share else []
    if share < least_share or not equal:
        return None
    longest = max(equal, key=lambda block: block.src_end - block.src_start)
    written, other_written = [line.written for line in lines], [line.written for line in others]
    return NearCopy(
        first=first,
        second=second,
        share=share,
        share_as_written=Indel.normalized_similarity(written, other_written),
        lines=(len(lines), len(others)),
        longest=longest.src_end - longest.src_start,
        places=(lines[longest.src_start].place, others[longest.dest_start].place),
    )


def shape_of(source: str) -> Mapping[int, str]:
    """Each line of code, by its number from 1, without comments, white space, texts and the student's names.

    Lines in which nothing is left are not among them.
    """
    return {number: " ".join(shape for _, shape in found) for number, found in _tokens(source).items()}


def _lines(cell: CellText) -> Iterator[CodeLine]:
    for number, found in _tokens(cell.source).items():
        if len(found) >= _FEWEST_TOKENS:
            written, shape = (" ".join(part) for part in zip(*found, strict=True))
            yield CodeLine(Place(cell.index, number), written, shape)


@lru_cache(maxsize=256)
def _tokens(source: str) -> Mapping[int, list[tuple[str, str]]]:
    """By line its tokens, each as written and by its shape."""
    tokens: dict[int, list[tuple[str, str]]] = {}
    line, before = 1, ""
    for _, kind, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens_unprocessed(source):
        if text.strip() and kind not in Comment and kind not in String.Doc and kind not in Whitespace:
            tokens.setdefault(line, []).append((text.strip(), _shape(kind, text, after_dot=before == ".")))
            before = text.strip()
        line += text.count("\n")
    return tokens


def forget_code() -> None:
    """Lets go of what was read of students' code."""
    _tokens.cache_clear()


def _shape(kind: _TokenType, text: str, *, after_dot: bool) -> str:
    """A token without what the student was free to call it; attributes are the libraries' words."""
    if kind in String:
        return "s"
    free = kind in Name and not after_dot and not any(kind in kept for kept in _KEPT_NAMES)
    return "n" if free else text.strip()
