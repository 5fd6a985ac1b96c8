"""Which file of weights was written by which training, and which network got the weights of which file."""

from __future__ import annotations

import functools
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

from grader.collector.networks import class_name, is_module, is_tensor, parameters, shape_of
from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.fingerprint import Fingerprint, Snapshot, fingerprint
from grader.collector.recorder.likeness import is_among
from grader.collector.recorder.patches import Patches
from grader.collector.recorder.runs import Run
from grader.evidence.checkpoints import MOST_CHECKPOINTS, CheckpointLoaded, Checkpoints, CheckpointSaved

__all__ = ["CheckpointFiles", "training_of"]

_MOST_PARTS = 2_000
_MOST_NAMES = 32
#: Tensors that are compared by their values, with those of trainings.
_MOST_COPIED = 400
_DATA_PTR = torch._C.TensorBase.data_ptr

#: The training that these tensors belong to, and how many passes it had begun by then, where
#: that is known; None for none that was seen.
TrainingOf = Callable[[list[torch.Tensor]], tuple[int, int | None] | None]


@dataclass(eq=False)
class _Loaded:
    """A file that was read; `into` is the network that got what is in it."""

    path: str
    place: Place
    saved: CheckpointSaved | None
    into: weakref.ref[nn.Module] | None = None


class CheckpointFiles:
    """Watches ``torch.save``, ``torch.load`` and ``load_state_dict``; keeps paths and no weights.

    Args:
        cells: Where the notebook stands.
        work_dir: What paths are told relative to.
        training_of: Asked for what is saved.

    Attributes:
        cut: There were more files than are kept.
    """

    def __init__(self, cells: Cells, work_dir: Path, training_of: TrainingOf) -> None:
        self._cells = cells
        self._work_dir = work_dir
        self._training_of = training_of
        self._written: dict[str, CheckpointSaved] = {}
        self._saved: list[CheckpointSaved] = []
        self._loaded: list[_Loaded] = []
        self._of_tensor: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._at: dict[int, _Loaded] = {}
        self._readings: dict[tuple[str, Place, CheckpointSaved | None], _Loaded] = {}
        self.installed = False
        self.cut = False

    def install(self, patches: Patches) -> None:
        """Hooks into torch, around all other stand-ins for these functions."""
        patches.replace(torch, "save", self._saving(torch.save))
        patches.replace(torch, "load", self._loading(torch.load))
        patches.replace(nn.Module, "load_state_dict", self._filling(nn.Module.load_state_dict))
        self.installed = True

    def drain(self) -> Checkpoints | None:
        """What is new since the last call; None where nothing is recorded."""
        if not self.installed:
            return None
        drained = Checkpoints(saved=tuple(self._saved), loaded=tuple(map(self._told, self._loaded)))
        self._saved.clear()
        self._loaded.clear()
        self._at.clear()
        self._readings.clear()
        return drained

    # What the student's code runs into.

    def _saving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(obj, f, *args, **kwargs)
            with suppress(
                Exception
            ):  # what cannot be read of a student's object is no fault of the student's
                self._note_saved(obj, f)
            return answer

        return save

    def _loading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def load(f: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(f, *args, **kwargs)
            with suppress(Exception):
                self._note_loaded(answer, f)
            return answer

        return load

    def _filling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def load_state_dict(module: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(module, state_dict, *args, **kwargs)
            with suppress(Exception):
                if not _passed_by(module, answer):
                    self._note_filled(module, state_dict)
            return answer

        return load_state_dict

    # What is kept of it.

    def _note_saved(self, obj: Any, f: Any) -> None:
        path, cell = self._path(f), self._cells.current
        if path is None or cell is None:
            return
        training = self._training_of(list(_tensors(obj)))
        run, epoch = (None, None) if training is None else training
        saved = CheckpointSaved(path=path, cell=cell, run=run, epoch=epoch or None)
        self._written[path] = saved
        self._keep(self._saved, saved)

    def _note_loaded(self, obj: Any, f: Any) -> None:
        path = self._path(f)
        if path is None or self._cells.current is None:
            return
        loaded = self._loading_again(_Loaded(path, self._cells.place(), self._written.get(path)))
        if is_module(obj):
            loaded.into = weakref.ref(obj)
        for tensor in _tensors(obj):
            self._of_tensor[tensor] = loaded
            self._at[_DATA_PTR(tensor)] = loaded

    def _loading_again(self, now: _Loaded) -> _Loaded:
        """The record of this very reading, kept once: a data set may read its files in every epoch."""
        key = (now.path, now.place, now.saved)
        known = self._readings.setdefault(key, now)
        if known is now:
            self._keep(self._loaded, now)
        return known

    def _note_filled(self, module: nn.Module, state: Any) -> None:
        loaded = self._read_from(list(_tensors(state)))
        if loaded is None:
            return
        if loaded not in self._loaded:  # read in a cell before
            loaded = _Loaded(loaded.path, self._cells.place(), loaded.saved)
            self._keep(self._loaded, loaded)
        loaded.into = weakref.ref(module)

    def _read_from(self, tensors: list[torch.Tensor]) -> _Loaded | None:
        """The file that most of these tensors came from.

        What ``state_dict`` gives of a network that was read are other tensors on the same numbers; where
        these lie tells it within a cell only, as the place may be another's later.
        """
        found = [self._of_tensor.get(tensor) or self._at.get(_DATA_PTR(tensor)) for tensor in tensors]
        most = max((each for each in found if each is not None), key=found.count, default=None)
        return most if most is not None and 2 * found.count(most) > len(tensors) else None

    def _keep(self, kept: list[Any], more: Any) -> None:
        if len(kept) >= MOST_CHECKPOINTS:
            self.cut = True
        else:
            kept.append(more)

    def _told(self, loaded: _Loaded) -> CheckpointLoaded:
        network = None if loaded.into is None else loaded.into()
        saved = loaded.saved
        return CheckpointLoaded(
            path=loaded.path,
            cell=loaded.place.cell or 0,
            line=loaded.place.line,
            saved_in=None if saved is None else saved.cell,
            run=None if saved is None else saved.run,
            epoch=None if saved is None else saved.epoch,
            class_name=None if network is None else class_name(network),
            names=() if network is None else self._names(network),
        )

    def _names(self, network: nn.Module) -> tuple[str, ...]:
        bound = (name for name, value in list(self._cells.namespace.items()) if value is network)
        return tuple(name for name in bound if not name.startswith("_"))[:_MOST_NAMES]

    def _path(self, f: Any) -> str | None:
        """A path below the work folder as it is there; None for what is no file."""
        name = f if isinstance(f, str | os.PathLike) else getattr(f, "name", None)
        if not isinstance(name, str | os.PathLike):
            return None
        path = Path(os.path.normpath(Path(os.fsdecode(name)).absolute()))
        below = path.relative_to(self._work_dir) if path.is_relative_to(self._work_dir) else path
        return str(below).encode("utf-8", "replace").decode()[:400]


def _tensors(obj: Any) -> Iterator[torch.Tensor]:
    """Tensors of what was saved or loaded: of a network, or in dictionaries and lists."""
    stack, looked = [obj], 0
    while stack and looked < _MOST_PARTS:
        thing, looked = stack.pop(), looked + 1
        if is_tensor(thing):
            yield thing
        elif is_module(thing):
            yield from (tensor for _, tensor in parameters(thing))
        elif isinstance(thing, dict):
            stack.extend(thing.values())
        elif isinstance(thing, list | tuple):
            stack.extend(thing)


def _passed_by(module: nn.Module, answer: Any) -> bool:
    """Whether most of a network's tensors got nothing: ``strict=False`` takes no offence at other names."""
    missing = getattr(answer, "missing_keys", ())
    return bool(missing) and 2 * len(missing) > len(nn.Module.state_dict(module))


def training_of(runs: Sequence[Run], tensors: Sequence[torch.Tensor]) -> tuple[int, int | None] | None:
    """The latest training that these tensors are of, and the passes that it had begun; None for none.

    What ``state_dict`` gives is another tensor on the same numbers, so it is compared where these lie. Copies
    are known by the values that parameters had at the ends of passes.
    """
    wanted = {_DATA_PTR(tensor) for tensor in tensors} - {0}
    for run in reversed(runs):
        if any(_DATA_PTR(tensor) in wanted for tensor in run.parameters() or ()):
            return run.index, run.passes
    return _copied_from(runs, tensors)


def _copied_from(runs: Sequence[Run], tensors: Sequence[torch.Tensor]) -> tuple[int, int | None] | None:
    """The latest training that had just these values at the end of a pass, and which pass it was.

    Several copies, as of all epochs, are of none.
    """
    shapes = {tuple(mine.shape) for run in runs for mine in run.milestones[-1].prints}
    if not shapes or len(tensors) > _MOST_COPIED:
        return None
    read = [fingerprint(tensor) for tensor in tensors if tuple(shape_of(tensor)) in shapes]
    for run in reversed(runs):
        ends = run.milestones[1:]
        for place in reversed(range(len(ends))):
            if _holds(read, ends[place], run.milestones[0]):
                known = len(ends) == run.passes
                return run.index, place + 1 if known else None
    return None


def _holds(read: Sequence[Fingerprint], end: Snapshot, start: Snapshot) -> bool:
    """Whether each parameter that was moved is among what was read, and once: not those of other epochs."""
    pairs = zip(start.prints, end.prints, strict=True)
    moved = [now for before, now in pairs if not now.constant and not before.equals(now)]
    alike = sum(mine.shape == now.shape for now in moved[:1] for mine in read)
    several = sum(now.shape == moved[0].shape for now in end.prints) if moved else 0
    return bool(moved) and alike <= several and all(is_among(now, read) for now in moved)
