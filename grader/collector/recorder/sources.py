"""Which data a loader draws: data set, split, picked indices, and what it shares with earlier loaders."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
)
from torch.utils.weak import WeakIdKeyDictionary

from grader.collector.networks import class_name
from grader.collector.recorder.cells import Cells
from grader.collector.recorder.tokens import Tokens
from grader.evidence.training import DataSource

__all__ = ["Sources"]

_MAX_INDICES = 2_000_000
_MAX_SOURCES = 4000
#: Of so many sources each is compared with each.
_MAX_COMPARED = 500
_MAX_NAMES = 64
_MAX_ROOT = 4096
_TRAIN = ("train", "training")
_TEST = ("test", "testing")


class Sources:
    """One DataSource for all loaders that draw the same items in batches of one size, by the same names.

    Args:
        cells: Where the notebook stands, and its variables.
        note: Called where something is not recorded.
    """

    def __init__(self, cells: Cells, note: Callable[[str], None]) -> None:
        self._cells = cells
        self._note = note
        self._loaders = Tokens()
        self._datasets = Tokens()
        self._dataset_by_content: dict[tuple[Any, ...], int] = {}
        self._dataset_of_loader: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._of_loader: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._token_by_content: dict[str, int] = {}
        self._next = 0
        self._records: dict[int, DataSource] = {}
        self._indices: dict[str, np.ndarray] = {}
        self._overlaps: dict[tuple[str, str], float] = {}

    def loader(self, loader: Any) -> int:
        """The serial number of the loader itself."""
        return self._loaders.of(loader)

    def of(self, loader: Any) -> int:
        """The token of a loader's source, described at its first pass."""
        token = self._of_loader.get(loader)
        if token is None:
            token = self._of_loader[loader] = self._recorded(loader)
        return int(token)

    def records(self) -> tuple[DataSource, ...]:
        return tuple(self._records.values())

    def _recorded(self, loader: Any) -> int:
        """The token of a source like this loader's, which is recorded if it is the first of its kind."""
        dataset, indices = _unwrap(loader.dataset, _picked(loader))
        self._dataset_of_loader[loader] = dataset_token = self._dataset_token(dataset)
        described = self._describe(loader, dataset, dataset_token, indices)
        content = described.model_dump_json()
        known = self._token_by_content.get(content) if described.index_digest is not None else None
        if known is not None:
            return known
        self._next += 1
        token = self._next - 1
        if len(self._records) < _MAX_SOURCES:
            self._token_by_content[content] = token
            overlap = self._overlap_with_earlier(described, indices)
            self._records[token] = described.model_copy(update={"token": token, "overlap": overlap})
        else:
            self._note(f"more than {_MAX_SOURCES} sources of data; later ones are not recorded")
        return token

    def _describe(
        self, loader: Any, dataset: Any, dataset_token: int, indices: np.ndarray | None
    ) -> DataSource:
        """A source without its own token and overlaps."""
        return DataSource(
            token=0,
            dataset_token=dataset_token,
            dataset=class_name(dataset),
            split=_split(dataset),
            root=_root(dataset),
            length=_length(dataset),
            sampled=len(indices) if indices is not None else _length(getattr(loader, "sampler", None)),
            index_digest=None if indices is None else _digest(indices),
            batch_size=loader.batch_size if type(loader.batch_size) is int else None,
            names=self._names(loader),
        )

    def _dataset_token(self, dataset: Any) -> int:
        """Equal for the same object, and for data sets of one class read from one folder and split."""
        root = _full_root(dataset)
        if root is None:
            return self._token_of_object(dataset)
        content = (type(dataset), root, getattr(dataset, "train", None), _length(dataset))
        return self._dataset_by_content.setdefault(content, self._datasets.of(dataset))

    def _token_of_object(self, dataset: Any) -> int:
        """Lists take no weak references: the loaders that still hold the same one tell its number."""
        if type(dataset) not in (list, tuple, dict):
            return self._datasets.of(dataset)
        holders = (token for loader, token in self._dataset_of_loader.items() if loader.dataset is dataset)
        known: int | None = next(holders, None)
        return self._datasets.fresh() if known is None else known

    def _overlap_with_earlier(
        self, source: DataSource, indices: np.ndarray | None
    ) -> tuple[tuple[int, float], ...] | None:
        """Shares with the sources before; None where there are too many of them to compare each with each."""
        if source.index_digest is None or indices is None:
            return ()
        if len(self._records) >= _MAX_COMPARED:
            return None
        digest = source.index_digest
        self._indices.setdefault(digest, indices)
        shares = (
            (earlier.token, self._share(digest, earlier.index_digest))
            for earlier in self._records.values()
            if earlier.dataset_token == source.dataset_token and earlier.index_digest is not None
        )
        return tuple((token, share) for token, share in shares if share > 0)

    def _share(self, mine: str, theirs: str) -> float:
        """Share of my items that are also theirs."""
        if (mine, theirs) not in self._overlaps:
            own, other = np.unique(self._indices[mine]), self._indices[theirs]
            common = np.isin(own, other, assume_unique=False).sum() if len(own) else 0
            self._overlaps[mine, theirs] = float(common) / max(len(own), 1)
        return self._overlaps[mine, theirs]

    def _names(self, loader: Any) -> tuple[str, ...]:
        names: list[str] = []
        for frame in self._cells.frames():
            for name, value in list(frame.f_locals.items()):
                names.extend(_bound(name, value, loader))
        names.extend(name for name, value in list(self._cells.namespace.items()) if value is loader)
        own = tuple(dict.fromkeys(name for name in names if not name.startswith("_")))
        if len(own) > _MAX_NAMES:
            self._note(f"a loader has more than {_MAX_NAMES} names; further ones are not recorded")
        return own[:_MAX_NAMES]


def _bound(name: str, value: Any, loader: Any) -> Iterator[str]:
    """Names under which `value` is, or holds as ``self``, the loader."""
    if value is loader:
        yield name
    elif name == "self":
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        yield from (attribute for attribute, held in list(attributes.items()) if held is loader)


def _picked(loader: Any) -> np.ndarray | None:
    """Positions in the loader's own data set that a full pass takes; None where they cannot be listed."""
    sampler = loader.sampler
    if type(loader.batch_sampler) not in (BatchSampler, type(None)):
        return None
    if isinstance(loader.dataset, IterableDataset):
        return None
    if type(sampler) is SubsetRandomSampler:
        return _as_indices(sampler.indices)
    if type(sampler) is SequentialSampler or (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(loader.dataset)
    ):
        return _as_indices(range(len(loader.dataset))) if len(loader.dataset) <= _MAX_INDICES else None
    return None


def _digest(indices: np.ndarray) -> str:
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()


def _as_indices(positions: Any) -> np.ndarray | None:
    if isinstance(positions, torch.Tensor):
        positions = positions.tolist()
    array = np.asarray(positions)
    return array.astype(np.int64) if array.ndim == 1 and array.dtype.kind in "iu" else None


def _unwrap(dataset: Any, indices: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """Goes down to the innermost data set, carrying the indices along; sorted."""
    while True:
        if isinstance(dataset, Subset):
            below = _as_indices(dataset.indices)
            indices = None if indices is None or below is None else below[indices]
            dataset = dataset.dataset
        elif isinstance(dataset, ConcatDataset) and len(dataset.datasets) == 1:
            dataset = dataset.datasets[0]
        else:
            return dataset, None if indices is None else np.sort(indices)


def _length(sized: Any) -> int | None:
    try:
        length = len(sized)
    except Exception:
        return None
    return length if length >= 0 else None


def _full_root(dataset: Any) -> str | None:
    """The folder a data set was read from; the student's own where a stand-in is read instead."""
    root = getattr(dataset, "root", None)
    return str(root)[:_MAX_ROOT] if isinstance(root, (str, pathlib.PurePath)) else None


def _root(dataset: Any) -> str | None:
    root = _full_root(dataset)
    return pathlib.PurePath(root).name if root else None


def _split(dataset: Any) -> Literal["train", "test"] | None:
    flag = getattr(dataset, "train", None)
    if type(flag) is bool:
        return "train" if flag else "test"
    words = set((_root(dataset) or "").lower().replace("-", "_").split("_"))
    if words & set(_TRAIN):
        return "train"
    return "test" if words & set(_TEST) else None
