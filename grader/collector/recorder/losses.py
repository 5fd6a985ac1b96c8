"""Loss functions as they are called: what fed them, and which of their values a backward pass used."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as functional
from torch import nn

from grader.collector.networks import is_tensor, shape_of
from grader.collector.recorder import marks
from grader.collector.recorder.inputs import InputKind, input_kind
from grader.collector.recorder.patches import Patches

__all__ = ["LOSS_FUNCTIONS", "LossCall", "Losses"]

LOSS_FUNCTIONS = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
)

_MAX_NODES = 200
_MAX_VALUES = 200

_GRAD_FN = vars(torch._C.TensorBase)["grad_fn"].__get__
_DETACH = torch._C.TensorBase.detach
_IS_GRAD_ENABLED = torch.is_grad_enabled
_LOSS_MODULE = nn.modules.loss._Loss


@dataclass
class LossCall:
    """One call of a loss function with gradients on; `value` is detached, `node` a mark in its graph."""

    function: str
    input_shape: tuple[int, ...]
    kind: InputKind
    value: torch.Tensor
    node: Any = field(repr=False)

    @property
    def batch_size(self) -> int:
        return self.input_shape[0] if self.input_shape else 1


@dataclass
class _Shared:
    """What the latest drain for a step gave, and to whom."""

    drained: tuple[list[tuple[torch.Tensor, LossCall | None]], bool]
    during: object
    takers: list[object] = field(default_factory=list)


class Losses:
    """Loss calls not yet used, and those that a backward pass used since the last optimizer step.

    Args:
        fault: Called where the recorder itself failed; the student's call goes on.
    """

    def __init__(self, fault: Callable[[str], None]) -> None:
        self._fault = fault
        self._pending: deque[LossCall] = deque(maxlen=16)
        self._values: list[tuple[torch.Tensor, LossCall | None]] = []
        self._shared: _Shared | None = None
        self._modules: list[str] = []
        self._dropped = False

    def install(self, patches: Patches) -> None:
        for name in LOSS_FUNCTIONS:
            original = getattr(functional, name)
            patches.replace(functional, name, self._wrapped(name, original))

    def entering(self, module: nn.Module) -> bool:
        """Notes the start of a torch loss module's call, whose name stands for the function's."""
        if not isinstance(module, _LOSS_MODULE) or not type(module).__module__.startswith("torch.nn"):
            return False
        self._modules.append(type(module).__name__)
        return True

    def leaving(self) -> None:
        self._modules.pop()

    def _wrapped(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def loss(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if _IS_GRAD_ENABLED() and is_tensor(result):
                try:
                    self._note(name, args, kwargs, result)
                except Exception as error:
                    self._fault(f"a loss could not be recorded: {type(error).__name__}: {error}"[:300])
            return result

        return loss

    def _note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        node = _GRAD_FN(result)
        given: Any = args[0] if args else kwargs.get("input")
        if node is None or not is_tensor(given):
            return
        self._pending.append(
            LossCall(
                function=self._modules[-1] if self._modules else name,
                input_shape=shape_of(given),
                kind=input_kind(given),
                value=_DETACH(result),
                node=marks.put(node),
            )
        )

    def backward(self, tensor: torch.Tensor) -> None:
        """Settles which pending loss calls a backward pass starts from."""
        value = _DETACH(tensor)
        used = self._used_by(_GRAD_FN(tensor))
        for call in used:
            call.node = None  # frees the graph
        if used:
            self._values.extend((call.value, call) for call in used)
        elif value.dim() == 0:
            self._values.append((value, None))
        self._pending.clear()
        self._dropped = self._dropped or len(self._values) > _MAX_VALUES
        del self._values[:-_MAX_VALUES]

    def _used_by(self, root: Any) -> list[LossCall]:
        if not self._pending or root is None:
            return []
        if marks.lies_in(self._pending[-1].node, root):
            return [self._pending[-1]]
        reached = _reached_from(root)
        return [call for call in self._pending if any(marks.lies_in(call.node, node) for node in reached)]

    def drain(self) -> tuple[list[tuple[torch.Tensor, LossCall | None]], bool]:
        """Gives what backward passes used since the last drain: values, and calls where known.

        Returns:
            The latest of them, and whether there were more.
        """
        drained, dropped = self._values, self._dropped
        self._values, self._dropped = [], False
        return drained, dropped

    def drain_for(
        self, stepper: object, during: object
    ) -> tuple[list[tuple[torch.Tensor, LossCall | None]], bool]:
        """The same for the step of one of several optimizers, each of which trains a part of a network.

        Args:
            stepper: Whose step it is; who steps again without a backward pass between gets nothing.
            during: The pass over a loader that the step is part of; nothing is shared beyond it.
        """
        if self._values:
            self._shared = _Shared(self.drain(), during)
        shared = self._shared
        if shared is None or shared.during is not during or any(each is stepper for each in shared.takers):
            return [], False
        shared.takers.append(stepper)
        return shared.drained

    def clear(self) -> None:
        """Drops graphs that nothing will use any more."""
        self._pending.clear()

    def end_cell(self) -> None:
        """Drops all that belongs to the cell."""
        self.drain()
        self.clear()
        self._shared = None


def _reached_from(root: Any) -> list[Any]:
    """Nodes of the graph near `root`, breadth first."""
    reached = [root]
    for node in reached:
        if len(reached) > _MAX_NODES:
            break
        reached.extend(follower for follower, _ in node.next_functions if follower is not None)
    return reached
