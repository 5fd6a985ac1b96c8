"""Whether a pass owes its network a step: gradients or losses that are still being added up."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from grader.collector.networks import first_tensor
from grader.collector.recorder.marks import Mark, put

__all__ = ["Pending"]

#: Batches of one pass that may be added up. Passes with one step at their end are rarely longer in a lab.
_MOST_BATCHES = 100
_MOST_NODES = 200
_CLONE = torch._C.TensorBase.clone
_DETACH = torch._C.TensorBase.detach
_EQUAL = torch.equal
_GRAD_FN = vars(torch._C.TensorBase)["grad_fn"].__get__
_NO_OVERRIDES = torch._C.DisableTorchFunctionSubclass


class Pending:
    """What one pass has added up since its last step; batches are counted from 1.

    A pass that is cut before its step looks like one that trains nothing: accumulated gradients come to a
    step every few batches, or on the last one only. Weights changed without an optimizer count as a step.
    """

    def __init__(self) -> None:
        self._backward_at = 0
        self._stepped_at = 0
        self._steps = 0
        self._leaf: tuple[torch.Tensor, torch.Tensor] | None = None
        self._marks: list[tuple[int, weakref.ref[Mark]]] = []

    def backward(self, batch: int, loss: torch.Tensor) -> None:
        """To be called before each backward pass."""
        self._backward_at = batch
        if self._steps:
            return
        leaf = _first_leaf(loss)
        if self._leaf is not None and leaf is not self._leaf[0]:
            self._stepped_at = batch  # new weights in the place of old ones: updated by hand
        self._leaf = None if leaf is None else (leaf, _CLONE(_DETACH(leaf)))

    def stepped(self, batch: int) -> None:
        self._steps += 1
        self._stepped_at = batch
        self._leaf = None

    def gave(self, batch: int, output: Any) -> None:
        """To be called with what a network gave: its graph lives on where losses are added up."""
        tensor = first_tensor(output)
        node = None if tensor is None else _GRAD_FN(tensor)
        if node is not None and not self._backward_at:
            self._marks = [(at, mark) for at, mark in self._marks if mark() is not None]
            self._marks.append((batch, put(node)))

    def is_open(self, batch: int) -> bool:
        """Whether the loop is likely to take a step on a later batch for what it did up to this one."""
        if batch >= _MOST_BATCHES:
            return False
        if self._backward_at:
            return self._backward_at > self._stepped_at and not self._updated_by_hand()
        return not self._steps and any(at < batch and mark() is not None for at, mark in self._marks)

    def release(self) -> None:
        self._leaf = None
        self._marks.clear()

    def _updated_by_hand(self) -> bool:
        if self._leaf is None:
            return False
        leaf, before = self._leaf
        with _NO_OVERRIDES():
            return not _EQUAL(_DETACH(leaf), before)


def _first_leaf(loss: torch.Tensor) -> torch.Tensor | None:
    """A tensor that gradients gather in, mostly the last layer's bias."""
    stack: list[Any] = [_GRAD_FN(loss)]
    known: set[Any] = set()
    while stack and len(known) < _MOST_NODES:
        node = stack.pop()
        if node is None or node in known:
            continue
        known.add(node)
        leaf: torch.Tensor | None = getattr(node, "variable", None)
        if leaf is not None:
            return leaf
        stack.extend(parent for parent, _ in reversed(node.next_functions))
    return None
