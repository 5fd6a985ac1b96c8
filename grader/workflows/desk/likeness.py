"""What an answer looks like, so that equal and nearly equal ones are found without reading a class again.

Equal is what a person could not tell apart: the same words but for marks and case, the same code but for the
student's own names, and the same outputs in the file handed in. What is nearly equal is not decided together
unless a person chooses it: one word can turn a sentence round.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from rapidfuzz.distance import Indel

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import called_names
from grader.facts.code.source import ParsedCell, nodes_of, parse_cell
from grader.facts.facts import Facts
from grader.facts.handout import Handout, line_digests
from grader.facts.notebook import is_own
from grader.grading.verdict import Finding, Verdict
from grader.rubric.model import Criterion
from grader.store.answers import AnswerRecord
from grader.store.rubrics import LoadedRubric
from grader.workflows.desk.answer import case_of, expected_in

__all__ = ["answers_in", "are_near", "differences", "part_of", "turns_of"]

_KEPT_CHARACTERS = 6_000
_NEAR = 0.9
_FEWEST_CALLS = 2
_MOST_NAMED = 12
_WORDS = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?|[<>=%+\-*/^]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: Words that turn a sentence round: where they differ, two answers are not near.
_TURNING = frozenset({
    "no", "not", "none", "never", "nor", "neither", "without", "cannot", "isn't", "don't", "doesn't", "can't",
    "won't", "didn't", "wasn't", "aren't", "less", "more", "lower", "higher", "smaller", "larger", "bigger",
    "under", "over", "underfitting", "overfitting", "decreases", "increases", "decrease", "increase", "worse",
    "better", "before", "after", "first", "last", "train", "training", "validation", "test",
})  # fmt: skip


def answers_in(facts: Facts, loaded: LoadedRubric, verdict: Verdict, attempt: int) -> Iterator[AnswerRecord]:
    """What the answers look like to all criteria that a person may have to decide on.

    Args:
        facts: The attempt's, by the rubric's sections.
        loaded: The rubric.
        verdict: Says which criteria wait.
        attempt: Its number in the history.
    """
    findings = {finding.criterion: finding for finding in verdict.findings}
    for criterion in loaded.rubric.criteria:
        finding = findings.get(criterion.id)
        if finding is not None and (finding.pending or criterion.check.by_a_person):
            case = case_of(loaded, facts.bundle, criterion, facts)
            yield _answer(case, criterion, finding, loaded, attempt)


def part_of(loaded: LoadedRubric, criterion: Criterion) -> str:
    """A digest of where the answer to a criterion is looked for: the same as long as the look is the same."""
    sections = {name: section.model_dump(mode="json") for name, section in loaded.rubric.sections.items()}
    place = [criterion.section, *criterion.check.section_names()]
    text = json.dumps([sections, place, loaded.kept.handout], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _answer(
    case: Case, criterion: Criterion, finding: Finding, loaded: LoadedRubric, attempt: int
) -> AnswerRecord:
    cells = [case.evidence.cells[index] for index in expected_in(case, criterion)]
    places = [place.cell for place in finding.where if 0 <= place.cell < len(case.evidence.cells)]
    located = bool(cells)
    if not located:
        cells = [case.evidence.cells[index] for index in dict.fromkeys(places)]
    own = [cell for cell in cells if is_own(cell, case)]
    code = [parse_cell(cell.index, cell.source) for cell in own if cell.kind == "code"]
    prose, written = _prose(own, loaded.handout), "\n".join(filter(None, map(_plain_code, code)))
    shown = _shown(cells)
    state = "written" if located else "not found"
    if located and not own:
        state = "untouched"
    elif located and not (prose or written or shown):
        state = "empty"
    return AnswerRecord(
        attempt=attempt,
        part=part_of(loaded, criterion),
        criterion=criterion.id,
        state=state,
        prose=_kept(prose),
        code=_kept(written),
        calls=_kept(" ".join(_calls(case, code))),
        shown=shown,
    )


def _prose(cells: Sequence[CellRecord], handout: Handout | None) -> str:
    """Words of Markdown and of the student's own comments, in lower case, without marks."""
    given = frozenset(line for cell in handout.cells for line in cell.lines) if handout else frozenset()
    texts = []
    for cell in cells:
        if cell.kind == "code":
            lines = zip(cell.source.split("\n"), line_digests(cell.source), strict=True)
            texts += [line.partition("#")[2] for line, digest in lines if "#" in line and digest not in given]
        else:
            texts.append(cell.source)
    plain = unicodedata.normalize("NFKC", "\n".join(texts)).casefold().replace("’", "'")
    return " ".join(_WORDS.findall(plain.replace("*", " ").replace("#", " ").replace("_", " ")))


def _plain_code(cell: ParsedCell) -> str:
    """Code without comments and white space, the names that it binds itself called by their order."""
    if cell.tree is None:
        return " ".join(cell.source.split())
    names: dict[str, str] = {}
    for node in nodes_of(cell.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"name{len(names)}")
        elif isinstance(node, ast.arg):
            names.setdefault(node.arg, f"name{len(names)}")
    try:
        return ast.unparse(_Renamed(names).visit(ast.parse(ast.unparse(cell.tree))))
    except (RecursionError, SyntaxError, ValueError):  # Code nested so deeply that nobody wrote it.
        return " ".join(cell.source.split())


class _Renamed(ast.NodeTransformer):
    """Gives the names of a table in place of others."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.copy_location(ast.arg(self._names.get(node.arg, node.arg)), node)


def _calls(case: Case, cells: Sequence[ParsedCell]) -> Iterator[str]:
    for cell in cells:
        if cell.tree is not None:
            imports = case.facts.functions.imports_seen_from(cell.index)
            yield from (called.last for called in called_names(cell.tree, imports))


def _shown(cells: Iterable[CellRecord]) -> str:
    """A digest of all that the file handed in shows for these cells; empty for nothing."""
    outputs = [output for cell in cells for output in cell.submitted.outputs]
    said = "\n".join(
        f"{output.kind} {' '.join(output.text.split())} {sorted(output.data.items())}" for output in outputs
    )
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32] if said else ""


def _kept(text: str) -> str:
    """A text cut to what is kept, with a digest of all of it, so that no two that differ become equal."""
    if len(text) <= _KEPT_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{text[:_KEPT_CHARACTERS]} {digest}"


def are_near(one: AnswerRecord, other: AnswerRecord) -> bool:
    """Whether two answers that are not equal are worth being looked at side by side.

    Nearly the same words with the same numbers, and no word more or less that may turn the sense; beside them
    the same code, or code that calls the same functions in the same order.
    """
    if one.state != "written" or other.state != "written":
        return False
    if not _same_sense(one.prose, other.prose):
        return False
    if one.code == other.code:
        return True
    return one.calls == other.calls and len(one.calls.split()) >= _FEWEST_CALLS


def _same_sense(one: str, other: str) -> bool:
    if one == other:
        return True
    words, others = one.split(), other.split()
    if _NUMBER.findall(one) != _NUMBER.findall(other) or _turns(words) != _turns(others):
        return False
    return Indel.normalized_similarity(words, others, score_cutoff=_NEAR) >= _NEAR


def turns_of(answer: AnswerRecord) -> str:
    """What near answers have to share: their numbers, and the words that turn a sentence round."""
    turns = sorted(word for word in answer.prose.split() if word in _TURNING)
    return " ".join([*_NUMBER.findall(answer.prose), *turns])


def _turns(words: Iterable[str]) -> Counter[str]:
    return Counter(word for word in words if word in _TURNING)


def differences(one: AnswerRecord, other: AnswerRecord) -> tuple[str, ...]:
    """In what the other answer differs, a few words each: ``'selected' for 'chosen'``, ``other outputs``."""
    changes = [] if one.prose == other.prose else _changes(one.prose.split(), other.prose.split())
    more = [
        *(["other code"] if one.code != other.code else []),
        *(["other outputs"] if one.shown != other.shown else []),
    ]
    return (*changes[:_MOST_NAMED], *more)


def _changes(words: Sequence[str], others: Sequence[str]) -> list[str]:
    steps = SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    return [_change(words[a:b], others[c:d]) for tag, a, b, c, d in steps if tag != "equal"]


def _change(gone: Sequence[str], come: Sequence[str]) -> str:
    if not gone:
        return f"with {' '.join(come)!r}"
    if not come:
        return f"without {' '.join(gone)!r}"
    return f"{' '.join(come)!r} for {' '.join(gone)!r}"
