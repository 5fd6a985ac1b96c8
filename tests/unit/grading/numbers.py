"""Every number that evidence holds, and the same evidence with some of them made NaN."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.evidence.codec import Bundle, decode, encode
from grader.evidence.record import Evidence

__all__ = ["Site", "sites", "with_nan"]

_PRINTED = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Site:
    """A place where a number is recorded.

    Attributes:
        path: Keys and positions from the evidence down; of an array, its position alone.
        kind: A float; a value of the student's, which may be NaN in place of a whole number; a number in a
            printed text; an element of an array.
        which: Of several numbers in one text or array, which one.
    """

    path: tuple[str | int, ...]
    kind: str
    which: int = 0


def sites(bundle: Bundle) -> list[Site]:
    """All but the hidden inputs' own; of arrays only the first, the middle and the last element."""
    found = [*_in_evidence(bundle.evidence.model_dump(), ()), *_in_arrays(bundle.arrays)]
    return [site for site in found if "args" not in site.path and "kwargs" not in site.path]


def _in_evidence(thing: Any, path: tuple[str | int, ...]) -> Iterator[Site]:
    if isinstance(thing, float):
        yield Site(path, "float")
    elif isinstance(thing, dict) and thing.get("kind") == "int":
        yield Site(path, "value")
    elif isinstance(thing, str) and path[-1] == "text":
        yield from (Site(path, "printed", which) for which in range(len(_PRINTED.findall(thing))))
    elif isinstance(thing, dict | list | tuple):
        keys: Iterable[Any] = thing if isinstance(thing, dict) else range(len(thing))
        for key in keys:
            yield from _in_evidence(thing[key], (*path, key))


def _in_arrays(arrays: Sequence[np.ndarray]) -> Iterator[Site]:
    for place, array in enumerate(arrays):
        if np.issubdtype(array.dtype, np.floating) and array.size:
            for which in {0, array.size // 2, array.size - 1}:
                yield Site((place,), "element", which)


def with_nan(bundle: Bundle, chosen: Iterable[Site]) -> Bundle:
    """The bundle with these numbers made NaN, as it comes over the wall."""
    body, arrays = _lists(bundle.evidence.model_dump()), [array.copy() for array in bundle.arrays]
    # From the end of a text, so that the numbers before it keep their places.
    for site in sorted(chosen, key=lambda site: -site.which):
        if site.kind == "element":
            arrays[int(site.path[0])].flat[site.which] = math.nan
        else:
            _replace(body, site)
    return decode(encode(Bundle(Evidence.model_validate(body), arrays)))


def _lists(thing: Any) -> Any:
    """Tuples as lists, whose items can be replaced."""
    if isinstance(thing, dict):
        return {key: _lists(item) for key, item in thing.items()}
    return [_lists(item) for item in thing] if isinstance(thing, list | tuple) else copy.copy(thing)


def _replace(body: Any, site: Site) -> None:
    for key in site.path[:-1]:
        body = body[key]
    last = site.path[-1]
    if site.kind == "value":
        body[last] = {"kind": "float", "value": math.nan, "type": "float"}
    elif site.kind == "printed":
        match = list(_PRINTED.finditer(body[last]))[site.which]
        body[last] = body[last][: match.start()] + "nan" + body[last][match.end() :]
    else:
        body[last] = math.nan
