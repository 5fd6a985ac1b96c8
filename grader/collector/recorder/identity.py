"""Which network is being trained or applied, and what the student calls it."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn

from grader.collector.networks import (
    class_name,
    core_chain,
    element_count,
    is_module,
    is_torch_class,
    is_torch_layer,
    is_trainable,
    layer_list,
    parameters,
    submodules,
)
from grader.collector.recorder.cells import Cells
from grader.collector.recorder.tokens import Tokens
from grader.evidence.training import LayerList, ModelIdentity

__all__ = ["Models"]

_RECENT = 6
_MAX_NAMES = 64
_MAX_CANDIDATES = 2000
#: Layers of all networks together that are listed; networks beyond are told apart by their digests.
_MAX_LISTED = 10_000
_MAX_LISTS = 3000


class Models:
    """Finds and names networks; holds them weakly.

    Args:
        cells: Where the notebook stands, and its variables.
        note: Called where something is not recorded.
    """

    def __init__(self, cells: Cells, note: Callable[[str], None]) -> None:
        self._cells = cells
        self._note = note
        self._tokens = Tokens()
        self._recent: deque[weakref.ref[nn.Module]] = deque(maxlen=_RECENT)
        self._layer_lists: list[LayerList] = []
        self._listed = 0

    def applied(self, module: nn.Module) -> nn.Module | None:
        """Notes a module called from outside any module; gives the network that it stands for.

        Layers called one by one from a ``forward`` that was itself called directly stand for their owner.
        None for modules without parameters: activations, flattening, image transforms.
        """
        if self._recent and self._recent[-1]() is module:
            return module
        if not parameters(module):
            return None
        network = self._owner(module) if is_torch_layer(module) else module
        if not self._recent or self._recent[-1]() is not network:
            self._recent.append(weakref.ref(network))
        return network

    def latest(self) -> nn.Module | None:
        """The network that was applied last, if it still exists."""
        return self._recent[-1]() if self._recent else None

    def _owner(self, layer: nn.Module) -> nn.Module:
        owner = layer
        for frame in self._cells.frames():
            candidate = frame.f_locals.get("self")
            if candidate is None or not is_module(candidate):
                break
            if any(part is owner for _, part in submodules(candidate)):
                owner = candidate
        return owner

    def owning(self, trained: Sequence[torch.Tensor]) -> nn.Module | None:
        """The smallest network around that has all these parameters, else the one with most of them."""
        wanted = {id(tensor) for tensor in trained}  # ids are safe here: `trained` keeps them alive
        best: nn.Module | None = None
        best_rank = (0, 0)
        for candidate in self._candidates():
            own = [id(tensor) for _, tensor in parameters(candidate)]
            rank = (len(wanted.intersection(own)), -len(own))
            if rank[0] > 0 and (best is None or rank > best_rank):
                best, best_rank = candidate, rank
        return best

    def _candidates(self) -> Iterable[nn.Module]:
        found = [
            module for module in (reference() for reference in reversed(self._recent)) if module is not None
        ]
        for frame in self._cells.frames():
            found.extend(value for value in list(frame.f_locals.values()) if is_module(value))
        found.extend(value for value in list(self._cells.namespace.values()) if is_module(value))
        if len(found) > _MAX_CANDIDATES:
            self._note(f"more than {_MAX_CANDIDATES} networks; which one was trained may be another")
        return found[:_MAX_CANDIDATES]

    def describe(self, module: nn.Module | None, trained: Sequence[torch.Tensor] = ()) -> ModelIdentity:
        """Identity of a network, or of loose parameters where no network owns them."""
        if module is None:
            return ModelIdentity(
                token=self._tokens.fresh(),
                class_name=None,
                parameter_count=sum(element_count(tensor) for tensor in trained),
            )
        chain = core_chain(module)
        around = self._around(chain)
        written = next((each for each in chain if not is_torch_class(each)), module)
        classes = dict.fromkeys(class_name(each) for each in (*chain, *around.values()))
        return ModelIdentity(
            token=self._tokens.of(chain[-1]),
            class_name=class_name(written),
            names=self._names(module, around),
            also=tuple(each for each in classes if each != class_name(written))[:_MAX_NAMES],
            parameter_count=sum(element_count(t) for _, t in parameters(module) if is_trainable(t)),
            layers=self._place_of(layer_list(module)),
        )

    def layer_lists(self) -> tuple[LayerList, ...]:
        """The layers of all networks described so far, those built alike once."""
        return tuple(self._layer_lists)

    def _place_of(self, found: LayerList) -> int | None:
        """Where these layers are listed; None where there is no more room."""
        for place, known in enumerate(self._layer_lists):
            if found.digest is not None and known.digest == found.digest:
                return place
        if len(self._layer_lists) >= _MAX_LISTS:
            self._note(f"more than {_MAX_LISTS} networks; the layers of later ones are not recorded")
            return None
        if self._listed + len(found.layers) > _MAX_LISTED:
            found = LayerList(digest=found.digest, cut=True)
        self._listed += len(found.layers)
        self._layer_lists.append(found)
        return len(self._layer_lists) - 1

    def token(self, module: nn.Module) -> int:
        return self._tokens.of(core_chain(module)[-1])

    def _around(self, chain: list[nn.Module]) -> dict[str, nn.Module]:
        """Global variables bound to a network, to what stands around it, or to what it stands around."""
        first = next(iter(parameters(chain[-1])), None)
        found: dict[str, nn.Module] = {}
        for name, value in list(self._cells.namespace.items()):
            if name.startswith("_") or not is_module(value):
                continue
            same = any(value is each for each in chain)
            begins = first is not None and next(iter(parameters(value)), (None, None))[1] is first[1]
            if same or (begins and core_chain(value)[-1] is chain[-1]):
                found[name] = value
        return found

    def _names(self, module: nn.Module, around: dict[str, nn.Module]) -> tuple[str, ...]:
        """Variables of the network itself first."""
        own = tuple(sorted(around, key=lambda name: around[name] is not module))
        if len(own) > _MAX_NAMES:
            self._note(f"a network has more than {_MAX_NAMES} names; further ones are not recorded")
        return own[:_MAX_NAMES]
