"""``docs/benchmarks.md`` and its picture, from what `peers.py` measured."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape

from tests.benchmarks.contenders import Cost
from tests.benchmarks.growth import REPORTS, Grown
from tests.benchmarks.one_submission import BESIDE, CELLS

__all__ = ["Measured", "Series", "picture", "write_page"]

#: Contenders as the page lists them: name, what it is, whether a wall stands around the student's code.
_LISTED = (
    ("warm", "the same code in a fork of a warm Python, nothing else: the limit", "no"),
    ("fork", "**grader**, a warm container that serves many", "yes"),
    ("container", "**grader**, a container for each submission", "yes"),
    ("bubblewrap", "**grader**, bubblewrap, one for each submission", "yes"),
    ("nbconvert", "`jupyter nbconvert --execute`", "no"),
    ("nbconvert in a container", "the same in a fresh container (`docker run`)", "yes"),
    ("otter", "`otter run`", "no"),
    ("nbgrader", "`nbgrader autograde`", "no"),
)
_MIB = 2**20
_BY_HAND = "## What a training under the budget costs"
#: A load of a minute above which others were at work, and what two jobs should be worth.
_BUSY, _TWICE = 3.0, 1.8


@dataclass
class Series:
    """A contender's costs, one of each round."""

    costs: list[Cost] = field(default_factory=list)

    def add(self, cost: Cost) -> None:
        self.costs.append(cost)

    @property
    def wall_s(self) -> float:
        return statistics.median(cost.wall_s for cost in self.costs)

    @property
    def processor_s(self) -> float | None:
        known = [cost.processor_s for cost in self.costs if cost.processor_s is not None]
        return statistics.median(known) if known else None

    @property
    def spread(self) -> str:
        walls = [cost.wall_s for cost in self.costs]
        return f"{min(walls):.2f} to {max(walls):.2f}"


@dataclass(frozen=True)
class Measured:
    """All that the page tells.

    Attributes:
        rounds: Of notebooks of two cells, and of a lab.
        load: Processes that wanted a processor, a mean of a minute: before, between, after.
        small, lab: Costs by contender, of notebooks of two cells and of a lab.
        phases: Seconds of one submission by what they went to.
    """

    day: date
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    load: Sequence[float]
    rounds: tuple[int, int]
    small: Mapping[str, Series]
    lab: Mapping[str, Series]
    phases: Mapping[str, float]
    grown: Sequence[Grown]


def write_page(told: Measured, before: str) -> str:
    """The whole page, in Markdown; what was measured by hand stays as it stood `before`."""
    kept = before.partition(_BY_HAND)[2].partition("\n## ")[0].strip()
    ahead = [*_head(told), *_notebooks(told), *_where(told), *_classes(told)]
    parts = [*map(_wrapped, ahead), *([f"{_BY_HAND}\n\n{kept}"] if kept else []), *map(_wrapped, _bad(told))]
    return "\n\n".join(parts) + "\n"


def _wrapped(block: str) -> str:
    """A paragraph or a point in lines; tables, headings and pictures as they are."""
    if block.startswith(("|", "#", "!")):
        return block
    return textwrap.fill(
        block,
        118,
        subsequent_indent="  " if block.startswith("- ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(columns: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> str:
    """`align` has a letter for each column, l or r."""
    rules = ["---:" if letter == "r" else "---" for letter in align]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rules, *rows)).replace("|  |", "| |")


def _head(told: Measured) -> Iterator[str]:
    versions = ", ".join(f"{name} {number}" for name, number in told.versions.items())
    loads = ", ".join(f"{load:.1f}" for load in told.load)
    yield "# Benchmarks"
    yield (
        f"Measured on {told.day.isoformat()} by `make peers`, which writes this page, on"
        f" {told.machine['processors']} with {told.machine['memory']} ({told.machine['system']}); grader"
        f" {told.machine['grader']}; {versions}. In each of {told.rounds[0]} rounds ({told.rounds[1]} with"
        " the lab) every contender had its turn;"
        " tables give the median of the rounds, and the smallest and largest. Processes that wanted a"
        " processor"
        f" (load of a minute) before, between and after: {loads}."
    )
    if max(told.load) > _BUSY:
        yield (
            "**Others worked on this machine meanwhile.** Seconds by the wall are longer than on an idle one;"
            " compare them within a table, and rather seconds of a processor, which others' work"
            " changes little."
        )


def _notebooks(told: Measured) -> Iterator[str]:
    yield "## What one notebook costs"
    yield (
        "Ours ends with the mark in the history; the others' with what they give. Arithmetic has one thread"
        " everywhere."
    )
    for title, costs in (("Two cells: a layer is stepped once", told.small), ("A lab of 36 cells", told.lab)):
        yield f"### {title}"
        yield _contenders(costs)
        yield _beside(costs)
    hundred = told.small["first"].wall_s + 99 * told.small["fork"].wall_s
    times = {name: 100 * told.small[name].wall_s / hundred for name in ("nbgrader", "otter")}
    yield (
        f"A class of 100 with two cells each, by proportion: {hundred:.0f} s with ours,"
        f" {times['nbgrader']:.0f} times as long with nbgrader, {times['otter']:.0f} times with otter-grader;"
        " neither of them puts a wall around the code."
    )


def _contenders(costs: Mapping[str, Series]) -> str:
    fork = costs["fork"].wall_s
    columns = ("", "wall", "s each", "smallest, largest", "s of a processor", "times grader's")
    rows = []
    for name, words, wall in _LISTED:
        each = costs[name]
        times = "" if name == "fork" else f"{each.wall_s / fork:.1f}"
        used = "not seen" if each.processor_s is None else f"{each.processor_s:.2f}"
        rows.append((words, wall, f"{each.wall_s:.2f}", each.spread, used, times))
    return _table(columns, "llrrrr", rows)


def _beside(costs: Mapping[str, Series]) -> str:
    fork, fresh, first = costs["fork"].wall_s, costs["nbconvert in a container"].wall_s, costs["first"]
    beside_s = fork - costs["cells"].wall_s
    return (
        f"Beside the cells ours takes {beside_s:.3f} s; a fresh container with nbconvert takes"
        f" {fresh / beside_s:.0f} times as long. Two at a time (`--jobs 2`) are"
        f" {fork / costs['fork, 2 jobs'].wall_s:.2f} times as fast as one. The first notebook is in the"
        f" history"
        f" {first.wall_s:.1f} s ({first.spread}) after the run began, the sandbox's start included."
    )


def _where(told: Measured) -> Iterator[str]:
    phases = {name: seconds for name, seconds in told.phases.items() if name not in (CELLS, *BESIDE)}
    whole, code = sum(phases.values()), told.phases[CELLS]
    yield "## Where the time of one submission goes"
    yield "![One submission of two cells in a warm container, phase by phase](pictures/one-submission.svg)"
    rows = [(name, f"{1000 * seconds:.1f}", f"{seconds / whole:.0%}") for name, seconds in phases.items()]
    rows += [
        ("in all", f"{1000 * whole:.1f}", ""),
        (f"of which {CELLS}", f"{1000 * code:.1f}", f"{code / whole:.0%}"),
        *(
            (f"meanwhile, for the one before: {name}", f"{1000 * told.phases[name]:.1f}", "")
            for name in BESIDE
        ),
    ]
    yield _table(("phase", "ms", "share"), "lrr", rows)
    fork, inside = told.small["fork"].processor_s, told.small["cells"].processor_s
    if fork is not None and inside is not None:
        yield (
            f"Of a processor one submission takes {1000 * fork:.0f} ms: {1000 * inside:.0f} in the container"
            f" (kernel, driver, forks), {1000 * (fork - inside):.0f} on the host (queue, judging, history)."
        )


def _classes(told: Measured) -> Iterator[str]:
    yield "## A class as it grows"
    yield (
        "The host's part: evidence of the sample course's lab `pets`, stored once and answered for"
        " every copy, so"
        f" that no notebook is run. Reports are drawn for {REPORTS} students at most. Each step is a"
        f" process of"
        " its own; memory is the most that one of its processes held."
    )
    rows = []
    for grown in told.grown:
        for name, step in grown.steps.items():
            each = 1000 * step.processor_s / (min(grown.size, REPORTS) if name == "report" else grown.size)
            figures = (f"{step.wall_s:.1f}", f"{each:.1f}", f"{step.memory_bytes / _MIB:.0f}")
            rows.append((str(grown.size), name, *figures))
    yield _table(("submissions", "step", "s", "ms of a processor for each", "memory, MiB"), "rlrrr", rows)
    sizes = [
        (
            str(grown.size),
            *(f"{size / grown.size / 1024:.0f}" for size in (grown.database_bytes, grown.evidence_bytes)),
        )
        for grown in told.grown
    ]
    yield _table(("submissions", "database, KiB for each", "evidence, KiB for each"), "rrr", sizes)
    yield "Evidence is stored by its digest, so copies share it here; a class of its own has some of each."
    large = told.grown[-1]
    wall_s = large.steps["regrade"].wall_s
    peer = told.small["nbgrader again"].wall_s
    yield (
        f"After a change of the rubric {large.size} submissions were judged again in {wall_s:.1f} s,"
        f" {1000 * wall_s / large.size:.1f} ms each. nbgrader runs them again: {peer:.1f} s for each of"
        f" two cells"
        f" (`autograde --force`), {peer * large.size / wall_s:.0f} times as long."
    )


def _bad(told: Measured) -> Iterator[str]:
    fork, limit, first = told.small["fork"].wall_s, told.small["warm"].wall_s, told.small["first"].wall_s
    two = fork / told.small["fork, 2 jobs"].wall_s
    yield "## What is bad, and why"
    yield (
        f"- One submission costs {fork / limit:.1f} times the same code in a warm Python. A kernel is"
        f" forked, set"
        " up, confined and killed for each; of a process of 300 MB a fork copies the page tables. Evidence"
        " and verdict are written while the next one runs; the claim's write to disk is waited for, as a"
        " power cut may lose none."
    )
    yield (
        f"- The first notebook waits {first:.1f} s for its sandbox, most of it for imports of PyTorch,"
        f" torchvision"
        " and what they bring (sympy, torch._dynamo): 3,200 modules, 2 s of a processor, which nothing"
        " but a kept"
        " process avoids."
    )
    yield (
        "- A container or bubblewrap for each submission pays that start each time; the next one starts"
        " while one"
        " runs, so that long notebooks hide it and short ones do not."
    )
    if two < _TWICE:
        yield (
            f"- Two at a time are {two:.2f} times as fast as one here, not twice: beside each container"
            " the host judges and writes, and Docker's own processes copy what comes out, on the same"
            " processors."
        )
    yield (
        "- Where a notebook trains, nearly all of the time is in its cells, and all contenders that run them"
        " are alike but for the budget that shortens trainings."
    )
    yield (
        "- Of what the host does with a class, reports take the most; a rubric that changes has them drawn"
        " anew."
    )


def picture(phases: Mapping[str, float]) -> str:
    """One bar, a part for each phase, with its words and milliseconds below each other."""
    parts = [(name, seconds) for name, seconds in phases.items() if name not in (CELLS, *BESIDE)]
    whole = sum(seconds for _, seconds in parts)
    width, row, top = 760.0, 22, 70
    height = top + row * len(parts) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 40:.0f} {height}" role="img"'
        ' font-family="sans-serif" font-size="13">',
        "<title>Where the time of one submission of two cells goes</title>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    left = 20.0
    for number, (name, seconds) in enumerate(parts):
        share = width * seconds / whole
        colour = _COLOURS[number % len(_COLOURS)]
        at = top + row * number
        lines += [
            f'<rect x="{left:.1f}" y="20" width="{share:.1f}" height="30" fill="{colour}"/>',
            f'<rect x="20" y="{at}" width="14" height="14" fill="{colour}"/>',
            f'<text x="42" y="{at + 12}">{escape(name)}</text>',
            f'<text x="460" y="{at + 12}" text-anchor="end">{1000 * seconds:.1f} ms</text>',
        ]
        left += share
    return "\n".join([*lines, "</svg>"]) + "\n"


_COLOURS = ("#4e79a7", "#a0cbe8", "#f28e2b", "#ffbe7d", "#59a14f", "#e15759", "#bab0ac", "#b07aa1", "#9c755f")
