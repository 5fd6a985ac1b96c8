"""What a network did with one batch, as a list of torch's functions to be done again with other numbers.

Nothing of the student's runs when it is done again: no ``forward``, no hook, no layer's object.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import TensorWeakRef

from grader.collector.networks import buffers, element_count, is_tensor, is_trainable, parameters

__all__ = ["Graph", "Recording"]

_MOST_CALLS = 2000
#: Numbers in weights and other tensors of a network that is looked at: they are copied for each look.
_MOST_NUMBERS = 4_000_000
#: Numbers in those that are neither parameters nor buffers: they are held as long as the run is remembered.
_MOST_CONSTANTS = 200_000
_IN_PLACE = frozenset({"__setitem__", "set_"})

_BASE = torch._C.TensorBase
_CLONE, _DETACH = _BASE.clone, _BASE.detach
_NO_GRAD = torch.no_grad
_NO_OVERRIDES = torch._C.DisableTorchFunction
_FORK_RNG = torch.random.fork_rng
_BATCH_NORM, _INSTANCE_NORM = functional.batch_norm, functional.instance_norm


class _Slot(NamedTuple):
    """Stands for a tensor: the batch (0), a tensor that was there before, or what an earlier call gave."""

    number: int


class _Call(NamedTuple):
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    gives: Any


class Graph(NamedTuple):
    """What one network did with one batch.

    Attributes:
        rows: Length of the batch,
        by_length: which may be part of what it did: the number stands in one of its calls.
        known: Its parameters and buffers, weakly, each with its slot.
        constants: Further tensors that it used, by slot.
        fed: Slots of those among them that are weights made of what is trained outside of the network.
        output: Slot of what it gave.
    """

    rows: int
    by_length: bool
    known: tuple[tuple[int, TensorWeakRef], ...]
    constants: dict[int, torch.Tensor]
    fed: frozenset[int]
    calls: tuple[_Call, ...]
    output: int

    def tensors(self) -> list[torch.Tensor]:
        """All tensors that it used, but for the batch, as far as they are still there."""
        alive = [reference() for _, reference in self.known]
        return [tensor for tensor in alive if tensor is not None] + list(self.constants.values())

    def left_alone(self, trained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Those among them that take part by themselves, neither of `trained` nor mixed with these."""
        own = {id(tensor) for tensor in trained}  # ids are safe here: `trained` keeps them alive
        taken = self.mixed() | self.fed
        known = [(number, reference()) for number, reference in self.known]
        return [
            tensor
            for number, tensor in (*known, *self.constants.items())
            if tensor is not None and id(tensor) not in own and number not in taken
        ]

    def mixed(self) -> set[int]:
        """Slots of tensors that it does not train, and makes weights of together with those that it does.

        As where to each trainable weight one that stays is added, before the batch is met: what it computes
        is in the sum.
        """
        made_of: dict[int, frozenset[int]] = {number: frozenset({number}) for number in self.constants}
        made_of |= {number: frozenset({number}) for number, _ in self.known}
        trainable = self._trainable()
        mixed: set[int] = set()
        for call in self.calls:
            parts = list(_slots_in((call.args, call.kwargs)))
            sources = frozenset[int]().union(*(made_of.get(number, frozenset({0})) for number in parts))
            if 0 not in (*parts, *sources) and sources & trainable:
                mixed |= sources - trainable
            for number in _slots_in(call.gives):
                made_of[number] = sources | made_of.get(number, frozenset())
        return mixed

    def _trainable(self) -> set[int]:
        alive = [(number, reference()) for number, reference in self.known]
        own = {number for number, tensor in alive if tensor is not None and is_trainable(tensor)}
        return own | self.fed

    def again(self, batch: torch.Tensor, shuffled_by: np.random.Generator | None = None) -> torch.Tensor:
        """What it computes of another batch, with its weights as they are now.

        Dropout is off, and normalisation takes the batch's own mean and variance, whatever mode the network
        is in. All is done on copies; the random generators are left as they were.

        Args:
            batch: In place of the one that it was heard with; as long as that, where `by_length` says so.
            shuffled_by: Puts the numbers of each weight in another order: of what is trainable, and of what
                weights are made of together with that.

        Raises:
            Exception: Whatever torch says to a batch that does not fit.
        """
        used = [(number, reference()) for number, reference in self.known]
        weights = set() if shuffled_by is None else self._trainable() | self.mixed()
        with _NO_GRAD(), _NO_OVERRIDES(), _as_nothing_happened(batch.device):
            kept = {
                number: _copy(tensor, shuffled_by if number in weights else None)
                for number, tensor in (*used, *self.constants.items())
                if tensor is not None
            }
            kept[0] = _CLONE(batch)
            for call in self.calls:
                given = call.function(*_filled(call.args, kept), **_filled(call.kwargs, kept))
                _keep(call.gives, given, kept)
            return kept[self.output]


def _copy(tensor: torch.Tensor, shuffled_by: np.random.Generator | None) -> torch.Tensor:
    copied = _CLONE(_DETACH(tensor))
    if shuffled_by is None:
        return copied
    order = torch.from_numpy(shuffled_by.permutation(element_count(tensor))).to(copied.device)
    return copied.reshape(-1)[order].reshape(copied.shape)


@contextmanager
def _as_nothing_happened(device: torch.device) -> Iterator[None]:
    """Leaves random generators as they were, and lets no warning through: the student had it already."""
    shown = warnings._showwarnmsg  # type: ignore[attr-defined]
    cards = [device] if device.type == "cuda" else []
    with _FORK_RNG(devices=cards):
        # What is drawn is the same each time, so that looks can be compared.
        for generator in (
            torch.default_generator,
            *(torch.cuda.default_generators[d.index or 0] for d in cards),
        ):
            generator.manual_seed(0)
        warnings._showwarnmsg = lambda *_: None  # type: ignore[attr-defined]
        try:
            yield
        finally:
            warnings._showwarnmsg = shown  # type: ignore[attr-defined]


class Recording(TorchFunctionMode):
    """Listens to one call of a network; `graph` is what came of it.

    Args:
        network: Called within this mode, once.
        batch: The one tensor that it is given.
    """

    def __init__(self, network: nn.Module, batch: torch.Tensor) -> None:
        super().__init__()
        self._rows = batch.shape[0]
        # What is no leaf was put there for this call (`functional_call`), and is gone after it.
        own = [tensor for _, tensor in (*parameters(network), *buffers(network))]
        self._known = [tensor for tensor in own if tensor.is_leaf]
        self._fed: set[int] = set()
        self._slots: dict[int, tuple[weakref.ref[Any] | None, int]] = {id(batch): (None, 0)}
        self._slots |= {id(tensor): (None, place) for place, tensor in enumerate(self._known, 1)}
        self._next = len(self._known) + 1
        self._constants: dict[int, torch.Tensor] = {}
        self._batch = batch
        self._calls: list[_Call] = []
        self._broken = sum(map(element_count, own)) > _MOST_NUMBERS

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = function(*args, **kwargs)
        if not self._broken:
            try:
                self._note(function, args, kwargs, given)
            except Exception:
                self._broken = True
        return given

    def graph(self, output: Any) -> Graph | None:
        """What was heard, to be asked once the call has ended; None where it cannot be done again.

        Args:
            output: What the network gave.
        """
        slot = self._slot_of(output) if is_tensor(output) else None
        held = sum(map(element_count, self._constants.values()))
        if self._broken or slot is None or held > _MOST_CONSTANTS:
            return None
        known = tuple((place, TensorWeakRef(tensor)) for place, tensor in enumerate(self._known, 1))
        by_length = any(
            _holds(call.args, self._rows) or _holds(call.kwargs, self._rows) for call in self._calls
        )
        fed = frozenset(self._fed)
        return Graph(self._rows, by_length, known, self._constants, fed, tuple(self._calls), slot)

    def _note(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], given: Any
    ) -> None:
        name = getattr(function, "__name__", "")
        if not _has_tensor(given) and name not in _IN_PLACE:
            return
        if len(self._calls) >= _MOST_CALLS:
            self._broken = True
            return
        args, kwargs = _calmed(function, self._named(args), self._named(kwargs))
        self._calls.append(_Call(function, args, kwargs, self._given(given)))

    def _named(self, thing: Any) -> Any:
        """Arguments with slots for tensors."""
        return _mapped(thing, self._slot_or_constant)

    def _slot_or_constant(self, tensor: torch.Tensor) -> _Slot:
        number = self._slot_of(tensor)
        if number is None:
            number = self._new_slot(tensor)
            self._constants[number] = _DETACH(tensor)
            if not tensor.is_leaf:
                self._fed.add(number)
        return _Slot(number)

    def _given(self, given: Any) -> Any:
        """What a call gave, with a slot for each tensor; what is there already keeps its slot."""

        def slot(tensor: torch.Tensor) -> _Slot:
            number = self._slot_of(tensor)
            return _Slot(self._new_slot(tensor) if number is None else number)

        return _mapped(given, slot)

    def _new_slot(self, tensor: torch.Tensor) -> int:
        number, self._next = self._next, self._next + 1
        self._slots[id(tensor)] = (weakref.ref(tensor), number)
        return number

    def _slot_of(self, tensor: torch.Tensor) -> int | None:
        """Its slot; a tensor that is gone may have had the same address."""
        reference, number = self._slots.get(id(tensor), (None, -1))
        if number < 0 or (reference is not None and reference() is not tensor):
            return None
        return number


def _calmed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same without chance, and with nothing kept from batch to batch."""
    if function is _BATCH_NORM:
        return (args[0], None, None), {**kwargs, "training": True}
    if function is _INSTANCE_NORM:
        return args[:1], {**kwargs, "running_mean": None, "running_var": None, "use_input_stats": True}
    return args, {**kwargs, "training": False} if "training" in kwargs else kwargs


def _mapped(thing: Any, change: Callable[[torch.Tensor], Any]) -> Any:
    if is_tensor(thing):
        return change(thing)
    if isinstance(thing, tuple) and not isinstance(thing, torch.Size):
        return tuple(_mapped(part, change) for part in thing)
    if isinstance(thing, list):
        return [_mapped(part, change) for part in thing]
    if isinstance(thing, dict):
        return {name: _mapped(part, change) for name, part in thing.items()}
    return thing


def _holds(thing: Any, number: int) -> bool:
    """Whether a number stands among arguments."""
    if type(thing) is _Slot:
        return False
    if isinstance(thing, (tuple, list)):
        return any(_holds(part, number) for part in thing)
    if isinstance(thing, dict):
        return any(_holds(part, number) for part in thing.values())
    return isinstance(thing, (int, float)) and thing == number


def _slots_in(thing: Any) -> Iterator[int]:
    """Numbers of the slots among arguments."""
    if type(thing) is _Slot:
        yield thing.number
    elif isinstance(thing, (tuple, list)):
        for part in thing:
            yield from _slots_in(part)
    elif isinstance(thing, dict):
        for part in thing.values():
            yield from _slots_in(part)


def _has_tensor(thing: Any) -> bool:
    return is_tensor(thing) or (isinstance(thing, (tuple, list)) and any(map(_has_tensor, thing)))


def _filled(thing: Any, kept: dict[int, torch.Tensor]) -> Any:
    """Arguments with tensors in place of slots."""
    if type(thing) is _Slot:
        return kept[thing.number]
    if type(thing) is tuple:
        return tuple(_filled(part, kept) for part in thing)
    if type(thing) is list:
        return [_filled(part, kept) for part in thing]
    if type(thing) is dict:
        return {name: _filled(part, kept) for name, part in thing.items()}
    return thing


def _keep(gives: Any, given: Any, kept: dict[int, torch.Tensor]) -> None:
    """Puts what a call gave into its slots."""
    if type(gives) is _Slot:
        kept[gives.number] = given
    elif isinstance(gives, (tuple, list)) and not isinstance(given, torch.Tensor):
        parts: Sequence[Any] = given if given is not None else ()
        for place, part in zip(gives, parts, strict=False):
            _keep(place, part, kept)
