"""Passes over DataLoaders: which batches are in use now, and where the training budget ends a pass."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
)
from torch.utils.data.dataloader import _BaseDataLoaderIter
from torch.utils.weak import WeakIdKeyDictionary

from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.collecting import keeps_batches
from grader.collector.recorder.patches import Patches
from grader.collector.recorder.pending import Pending
from grader.collector.recorder.rhythm import batches_asked
from grader.collector.recorder.sources import Sources
from grader.evidence.plan import Training
from grader.evidence.record import ShimKind

__all__ = ["Pass", "Passes"]

_SIGNATURE = inspect.signature(DataLoader.__init__)
#: What DataLoader's arguments for worker processes become where there are none.
_WITHOUT_WORKERS = {
    "num_workers": 0,
    "prefetch_factor": None,
    "persistent_workers": False,
    "timeout": 0,
    "multiprocessing_context": None,
    "worker_init_fn": None,
}
_WHOLE_PASSES = 2
#: A network may be asked to memorise a set as small as this, which takes all of it.
_SMALL_SET = 32
#: Batches that one pass, and all passes of one line, may have more for what is done every few of them.
_MOST_FOR_RHYTHM = 100
_MOST_OF_A_LINE = 400
#: Batch normalisation raises on a single item.
_FEWEST_ITEMS = 2
#: Items of a batch in later passes: labels of each class, if they are few, are among them all but certainly.
_LATER_BATCH = 64
#: Passes over fewer items are as the budget leaves them: a network may be asked to learn a set by heart.
_LARGE_SET = 256
#: Sizes of real data sets are round: a batch size that divides this may divide them, but not a stand-in's.
_ROUND = 10_000
#: Their lengths say how many positions they give.
_KNOWN_SAMPLERS = (RandomSampler, SequentialSampler, SubsetRandomSampler)


@dataclass(eq=False)
class Pass:
    """One iteration over a loader.

    Attributes:
        source: Token of its DataSource, which loaders that are built alike share.
        loader: Serial number of the loader itself.
        batches: Given out so far.
        steps: Optimizer steps taken on its batches.
        backwards: Backward passes made on its batches.
        model: The network last applied to its batches.
        saves: A tensor was saved during it: it makes data (features) that must be whole.
        gives_maps: What the network gave last are feature maps (N, C, H, W), data for another network.
        small: Its set is one to memorise, which the training budget leaves whole.
        most_items: Items that the training budget leaves of it; None: any number.
        most_of_batch: Items that the training budget leaves of each batch; None: all.
        items: Given out so far, of those that `most_items` counts.
        cut: The training budget ended it.
        open: Its batches may still be in use.
        exhausted: It gave all that it will give; otherwise a later cell may go on with it.
        pending: What it adds up for a step to come.
        waits: It is not cut while something is pending.
        asked: Batches after which all has happened that its loop does every few of them; None: not yet read.
        fewer: Batches beyond the budget may have fewer items.
        later: Passes like it showed all that there is to see, so that one batch may do.
    """

    source: int
    loader: int
    place: Place
    batches: int = 0
    steps: int = 0
    backwards: int = 0
    model: weakref.ref[nn.Module] | None = None
    saves: bool = False
    gives_maps: bool = False
    small: bool = False
    most_items: int | None = None
    most_of_batch: int | None = None
    items: int = 0
    cut: bool = False
    open: bool = True
    exhausted: bool = False
    order: int | None = None
    after_run: int | None = None
    pending: Pending = field(default_factory=Pending)
    waits: bool = True
    asked: int | None = None
    fewer: bool = False
    later: bool = False

    def backward(self, loss: Any) -> None:
        """To be called before each backward pass on its batches."""
        self.backwards += 1
        self.pending.backward(self.batches, loss)

    def stepped(self) -> None:
        self.steps += 1
        self.pending.stepped(self.batches)

    @property
    def in_use(self) -> bool:
        """A network was applied to its batches, so that it trains or evaluates."""
        return self.model is not None or self.steps > 0 or self.backwards > 0

    @property
    def makes_data(self) -> bool:
        """Another network is to learn from what it computes."""
        return self.saves or (self.gives_maps and not self.steps and not self.backwards)


class Passes:
    """Follows every DataLoader iteration.

    Args:
        on_closed: Called once with each pass that has ended, was abandoned, or outlived its cell.
        note: Called with (kind, detail) where the budget or the lack of workers changed something.
        fault: Called where the recorder itself failed; the student's loop goes on.
    """

    def __init__(
        self,
        cells: Cells,
        sources: Sources,
        training: Training,
        on_closed: Callable[[Pass], None],
        note: Callable[[ShimKind, str], None],
        fault: Callable[[str], None],
    ) -> None:
        self._cells = cells
        self._sources = sources
        budget = training.mode == "budget"
        self._limit = training.batches_per_pass if budget else None
        self._whole_in = frozenset(training.whole_in_cells)
        self._later_items = training.items_after_two_passes if budget else None
        self._uses: Counter[tuple[int, Place]] = Counter()
        self._waited_in_vain: set[tuple[int, Place]] = set()
        self._one_does: dict[tuple[int, Place], bool] = {}
        self._beyond: Counter[Place] = Counter()
        self._on_closed = on_closed
        self._note = note
        self._fault = fault
        self._of_iterator: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._open: list[Pass] = []
        self.fetching = False

    @property
    def current(self) -> Pass | None:
        """The pass that gave out a batch last and has not ended."""
        return self._open[-1] if self._open else None

    def install(self, patches: Patches) -> None:
        patches.replace(DataLoader, "__init__", self._fitting(DataLoader.__init__))
        patches.replace(DataLoader, "__iter__", self._opening(DataLoader.__iter__))
        patches.replace(_BaseDataLoaderIter, "__next__", self._giving(_BaseDataLoaderIter.__next__))
        patches.replace(_BaseDataLoaderIter, "_next_index", self._picking(_BaseDataLoaderIter._next_index))

    def close_all(self) -> None:
        """Ends what a cell left open; an iterator used again later opens a new pass."""
        while self._open:
            self._close(self._open[-1])

    def _fitting(self, original: Callable[..., None]) -> Callable[..., None]:
        """Leaves out worker processes, and keeps a batch where there would be none."""

        @functools.wraps(original)
        def init(loader: Any, *args: Any, **kwargs: Any) -> None:
            try:
                bound = _SIGNATURE.bind(loader, *args, **kwargs)
            except TypeError:
                return original(loader, *args, **kwargs)
            asked = bound.arguments.get("num_workers", 0)
            if type(asked) is int and asked > 0:
                self._note(ShimKind.WORKERS, "worker processes of DataLoaders are left out")
                for name, value in _WITHOUT_WORKERS.items():
                    if name in bound.arguments:
                        bound.arguments[name] = value
            if _would_be_empty(bound.arguments):
                self._note(ShimKind.DATASET, "the only batch is kept, which drop_last would leave out")
                bound.arguments["drop_last"] = False
            return original(*bound.args, **bound.kwargs)

        return init

    def _opening(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def iterate(loader: Any) -> Any:
            iterator = original(loader)
            try:
                self._of_iterator[iterator] = self._begin(loader, iterator)
            except Exception as error:
                self._fault(f"a DataLoader could not be followed: {type(error).__name__}: {error}"[:300])
            return iterator

        return iterate

    def _begin(self, loader: Any, iterator: Any) -> Pass:
        begun = Pass(self._sources.of(loader), self._sources.loader(loader), self._cells.place())
        begun.waits = (begun.loader, begun.place) not in self._waited_in_vain
        whole = self._cells.current in self._whole_in
        if self._limit is not None and not whole and _is_list_of_batches(loader):
            later = self._uses[begun.loader, begun.place] >= _WHOLE_PASSES
            if self._later_items is None:
                large = _is_large(loader, self._limit)
                begun.fewer = large and _ends_with_fewer(loader)
                begun.later = large and later
            else:
                begun.small = len(loader.sampler) <= _SMALL_SET
                begun.fewer = not begun.small and not loader.batch_sampler.drop_last
            if later:
                self._shorten(begun)
        weakref.finalize(iterator, self._close, begun).atexit = False
        return begun

    def _shorten(self, current: Pass) -> None:
        """Leaves a part of a pass that shows nothing new: a later one, or what goes beyond the budget."""
        if not current.fewer:
            return
        if self._later_items is None:
            current.most_of_batch = _LATER_BATCH
        elif current.most_items is None:
            current.most_items = self._later_items

    def _giving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def advance(iterator: Any) -> Any:
            current = self._of_iterator.get(iterator)
            if current is None:
                return original(iterator)
            if not current.open and not current.exhausted:
                again = Pass(current.source, current.loader, self._cells.place())
                current = self._of_iterator[iterator] = again
            if self._budget_is_used_up(current):
                self._cut(current)
                raise StopIteration
            self.fetching = True
            try:
                batch = original(iterator)
            except StopIteration:
                current.exhausted = True
                self._close(current)
                raise
            finally:
                self.fetching = False
            self._given(current)
            return batch

        return advance

    def _picking(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def next_index(iterator: Any) -> Any:
            picked = original(iterator)
            current = self._of_iterator.get(iterator)
            if current is None or not (current.in_use or not current.batches):
                return picked
            if current.most_items is not None:
                kept = picked[: max(_FEWEST_ITEMS, current.most_items - current.items)]
                detail = f"a call's later passes end after {current.most_items} items"
            elif current.most_of_batch is not None:
                kept = picked[: current.most_of_batch]
                detail = f"batches of a call's later passes end after {current.most_of_batch} items"
            else:
                return picked
            current.items += len(kept)
            if len(kept) < len(picked):
                current.cut = True
                self._note(ShimKind.TRAINING_BUDGET, detail)
            return kept

        return next_index

    def _given(self, current: Pass) -> None:
        current.batches += 1
        if self.current is not current:
            if current in self._open:
                self._open.remove(current)
            self._open.append(current)

    def _budget_is_used_up(self, current: Pass) -> bool:
        """Counting and plotting loops run on: only a pass that feeds a network is cut."""
        if self._limit is None or not current.in_use or current.makes_data or current.small:
            return False
        if self._cells.current in self._whole_in:
            return False
        enough = current.most_items is not None and current.items >= current.most_items
        ended = enough or current.batches >= self._limit or self._one_is_enough(current)
        return ended and not self._owes_a_step(current) and not self._has_more_to_do(current)

    def _one_is_enough(self, current: Pass) -> bool:
        """Whether a later pass may end after its first batch: its loop keeps nothing of each."""
        if not current.later or not current.batches:
            return False
        known = (current.loader, current.place)
        if known not in self._one_does:
            try:
                self._one_does[known] = not keeps_batches(self._cells.frames(), self._cells.namespace)
            except Exception as error:
                self._one_does[known] = False
                self._fault(f"a loop's code could not be read: {type(error).__name__}: {error}"[:300])
        return self._one_does[known]

    def _owes_a_step(self, current: Pass) -> bool:
        """A pass that adds up gradients, or losses, runs on to its step."""
        try:
            return current.waits and current.pending.is_open(current.batches)
        except Exception as error:
            self._fault(f"accumulated gradients could not be followed: {type(error).__name__}: {error}"[:300])
            return False

    def _has_more_to_do(self, current: Pass) -> bool:
        """The first passes of a loop run on to what it does every few batches, within bounds."""
        if current.asked is None:
            current.asked = self._batches_asked(current)
        if current.batches >= current.asked or self._beyond[current.place] >= _MOST_OF_A_LINE:
            return False
        self._beyond[current.place] += 1
        self._shorten(current)
        return True

    def _batches_asked(self, current: Pass) -> int:
        if self._uses[current.loader, current.place] >= _WHOLE_PASSES:
            return 0
        try:
            return batches_asked(self._cells.frames(), self._cells.namespace, _MOST_FOR_RHYTHM)
        except Exception as error:
            self._fault(f"a loop's code could not be read: {type(error).__name__}: {error}"[:300])
            return 0

    def _cut(self, current: Pass) -> None:
        if current.open:
            current.cut = current.exhausted = True
            self._note(ShimKind.TRAINING_BUDGET, f"passes over a DataLoader end after {self._limit} batches")
            if current.later and self._limit is not None and current.batches < self._limit:
                self._note(ShimKind.TRAINING_BUDGET, "a call's later passes end after 1 batch")
            self._close(current)

    def _close(self, ended: Pass) -> None:
        if ended in self._open:
            self._open.remove(ended)
        if ended.open:
            ended.open = False
            ended.pending.release()
            if self._limit is not None and ended.batches > self._limit and not ended.steps:
                self._waited_in_vain.add((ended.loader, ended.place))
            if ended.in_use and not ended.makes_data:
                self._uses[ended.loader, ended.place] += 1
            self._on_closed(ended)


def _is_list_of_batches(loader: Any) -> bool:
    """Whether each batch is a list of positions in a set of known size."""
    return type(loader.batch_sampler) is BatchSampler and not isinstance(loader.dataset, IterableDataset)


def _is_large(loader: Any, limit: int) -> bool:
    """Whether it gives far more than the budget leaves: what may be learnt by heart stays as it is."""
    batches = loader.batch_sampler
    try:
        items = len(batches.sampler)
        return type(batches.sampler) in _KNOWN_SAMPLERS and items > max(
            _LARGE_SET, limit * batches.batch_size
        )
    except Exception:  # a length that the notebook's own data set cannot tell
        return False


def _ends_with_fewer(loader: Any) -> bool:
    """Whether a loop over it has to cope with a last batch that is not full, so with others as well."""
    batches = loader.batch_sampler
    size = batches.batch_size
    uneven: bool = len(batches.sampler) % size != 0 and _ROUND % size != 0 and not batches.drop_last
    return uneven


def _would_be_empty(arguments: dict[str, Any]) -> bool:
    """Whether ``drop_last`` leaves no batch, as it may where a stand-in is smaller than the real data."""
    size = arguments.get("batch_size", 1)
    items: Any = arguments.get("sampler") or arguments.get("dataset")
    try:
        return arguments.get("drop_last") is True and type(size) is int and 0 < len(items) < size
    except Exception:  # a length that the notebook's own data set cannot tell
        return False
