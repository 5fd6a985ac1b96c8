"""A process that judges for one course, and for no other; started by `pool`, by its path.

It is given orders by standard input, each a line of JSON and the bytes of the evidence, and answers each with
a line of JSON on standard output. A rubric comes in full once, and is named by its key after that. It has no
environment of ours and no name of any database, and the walls of `confine` stand before the course's own
Python is read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from grader.facts.case import Reference
    from grader.store.records import RubricText
    from grader.store.rubrics import RubricMemory

__all__ = ["main"]

#: Of a processor for one submission; a course's own checks have their own limits within it.
_LIMIT_S = 600
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")


def main() -> None:
    """Judges until standard input ends."""
    package, folder, digest = sys.argv[1:4]
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    sys.path.insert(0, package)
    from grader.store.records import RubricText
    from grader.store.rubrics import RubricMemory
    from grader.workflows.regrading import confine
    from grader.workflows.regrading.reference import bundled

    own = [Path(package, "grader"), bundled("reference"), bundled("rubrics")]
    own += [Path(folder)] if folder else []
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parent]
    held = confine.confine([*own, *python, *map(Path, _SYSTEM)])
    _say(answers, {"held": held})
    rubrics, sent = RubricMemory(), dict[tuple[str, ...], RubricText]()
    for order, evidence in _orders(orders):
        confine.limit_processor_time(_LIMIT_S)
        if "text" in order:
            text = RubricText(**order["text"])
            sent[text.key] = text
        _say(answers, _judged(order, evidence, sent[tuple(order["rubric"])], rubrics, (folder, digest)))


def _orders(orders: BinaryIO) -> Iterator[tuple[dict[str, Any], bytes]]:
    while line := orders.readline():
        order = json.loads(line)
        yield order, orders.read(order["size"])


def _say(answers: BinaryIO, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what).encode() + b"\n")
    answers.flush()


def _judged(
    order: dict[str, Any],
    evidence: bytes,
    text: RubricText,
    rubrics: RubricMemory,
    course: tuple[str, str],
) -> dict[str, Any]:
    from grader.errors import GraderError
    from grader.evidence.codec import decode
    from grader.workflows.regrading.judging import Judge

    try:
        judge = Judge(rubrics.recall(text), _reference(*course), early=order["early"])
        bundle = decode(evidence, limit_bytes=len(evidence))
        return {"verdict": judge.verdict(bundle, order["name"]).model_dump_json()}
    except GraderError as error:
        parts = {name: getattr(error, name) for name in ("what", "where", "expected", "found", "todo")}
        return {"error": type(error).__name__, "problems": getattr(error, "problems", None), **parts}
    except Exception as error:
        return {"error": "", "what": f"{type(error).__name__}: {error}"[:500]}


_references: dict[tuple[str, str], Reference] = {}


def _reference(folder: str, digest: str) -> Reference:
    from grader.errors import UsageError
    from grader.facts.case import Reference
    from grader.workflows.regrading.reference import load_reference

    if not folder:
        return Reference(digest=digest)
    if (folder, digest) not in _references:
        found = load_reference(Path(folder))
        if found.digest != digest:
            raise UsageError(
                "the reference answers were changed while the program runs",
                where=folder,
                expected=digest,
                found=found.digest,
                todo="start the program again, so that all of it judges by the same answers",
            )
        _references[folder, digest] = found
    return _references[folder, digest]


if __name__ == "__main__":
    main()
