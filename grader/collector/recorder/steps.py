"""Weights while a run goes on: whether its optimizer alone moves them, or something else puts others there.

A hook of a step, or code between two steps, can load trained weights after a run's start was looked at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, RMSprop

from grader.collector.networks import class_name, shape_of
from grader.collector.recorder.arrival import arrived_at
from grader.collector.recorder.fingerprint import Snapshot, mark, sampled, take
from grader.collector.recorder.likeness import resembled
from grader.collector.recorder.runs import Run

__all__ = ["StepWatch"]

#: Looking at weights between steps may take this many seconds of a run, or this share of its time.
_EAGER_S = 1.0
_EAGER_SHARE = 0.1
_CLOCK = time.perf_counter
#: How much further than its rule an optimizer may seem to go, by rounding.
_SLACK = 1.5
_ROUNDING = 1e-6

#: What a step may have done to a number: learning rate, gradient, the number itself, the other settings.
_Reach = Callable[[float, float, float, dict[str, Any]], float]


def _plain(rate: float, gradient: float, value: float, settings: dict[str, Any]) -> float:
    momentum: float = settings["momentum"] if settings["nesterov"] else 0.0
    decay: float = settings["weight_decay"]
    return rate * (gradient + decay * value) * (1 + momentum)


def _adaptive(rate: float, gradient: float, value: float, settings: dict[str, Any]) -> float:
    decay: float = settings["weight_decay"]
    return rate * (1 + decay * value)


def _mean_square(rate: float, gradient: float, value: float, settings: dict[str, Any]) -> float:
    # With the first gradient g: rate * g / sqrt((1 - alpha) * g ** 2), less of the mean where it is centred.
    rest = (1 - settings["alpha"]) * (settings["alpha"] if settings["centered"] else 1.0)
    return rate / math.sqrt(rest) if rest > 0 else math.inf


#: How far the first step of each kind can go; of others it is not known.
_REACH: dict[type, _Reach] = {
    SGD: _plain,
    Adam: _adaptive,
    AdamW: _adaptive,
    Adamax: _adaptive,
    Adagrad: _adaptive,
    RMSprop: _mean_square,
}


class StepWatch:
    """Looks at one run's weights around its first step, and whether they are written to between steps.

    Args:
        optimizer: Before its first step in this run.
        trained: What it trains.
        earlier: Runs whose weights may be put there; where there are none, nothing is looked at.
    """

    def __init__(self, optimizer: Any, trained: Sequence[torch.Tensor], earlier: Sequence[Run]) -> None:
        shapes = {mine.shape for run in earlier for mine in run.milestones[0].prints}
        self._earlier = list(earlier) if any(shape_of(tensor) in shapes for tensor in trained) else []
        self._reach = _REACH.get(type(optimizer)) if not optimizer.state else None
        self._before = [sampled(tensor) for tensor in trained] if self._earlier else []
        self._stepped = False
        self._marks: tuple[tuple[int, float], ...] = ()
        self._began = _CLOCK()
        self._looking_s = 0.0

    def before_step(self, run: Run, trained: Sequence[torch.Tensor]) -> str:
        """Why weights that were written to since the latest step are doubted; empty for no doubt."""
        if not self._marks:
            return ""
        began = _CLOCK()
        why = ""
        if self._marks != mark(trained):
            like = self._like(take(trained), trained, run)
            if like is not None:
                why = (
                    f"between two steps weights that resemble those of run {like.index}'s end were put there"
                )
        self._marks = ()
        self._looking_s += _CLOCK() - began
        return why

    def after_step(self, run: Run, optimizer: Any, trained: Sequence[torch.Tensor]) -> str:
        """Why the weights after a step are doubted; empty for no doubt."""
        if not self._earlier or self._looking_s > max(_EAGER_S, _EAGER_SHARE * (_CLOCK() - self._began)):
            return ""
        began = _CLOCK()
        why = "" if self._stepped else self._first_step(run, optimizer, trained)
        self._stepped = True
        self._marks = mark(trained)
        self._looking_s += _CLOCK() - began
        return why

    def _first_step(self, run: Run, optimizer: Any, trained: Sequence[torch.Tensor]) -> str:
        if self._reach is None:
            like = self._like(take(trained), trained, run)
            return (
                "" if like is None else f"after its first step its weights resemble those of run {like.index}"
            )
        beyond = self._beyond(optimizer, trained, self._reach)
        self._before = []
        if beyond:
            return f"in its first step weights moved further than {class_name(optimizer)} can move them"
        at = arrived_at(take(trained), run.milestones[0], self._earlier)
        return "" if at is None else f"its first step led to the weights that run {at.index} ended with"

    def _like(self, now: Snapshot, trained: Sequence[torch.Tensor], run: Run) -> Run | None:
        return resembled(now, trained, self._earlier, begun=run.milestones[0])

    def _beyond(self, optimizer: Any, trained: Sequence[torch.Tensor], reach: _Reach) -> bool:
        """Whether any sampled number went further than its gradient and the settings allow."""
        settings = {id(tensor): group for group in optimizer.param_groups for tensor in group["params"]}
        for tensor, before in zip(trained, self._before, strict=True):
            gradient = tensor.grad
            if id(tensor) not in settings or gradient is None or gradient.is_sparse:
                continue
            group = settings[id(tensor)]
            rate = abs(float(group["lr"]))
            rounding = max(_ROUNDING, 2 * torch.finfo(tensor.dtype).eps)
            for old, new, slope in zip(before, sampled(tensor), sampled(gradient), strict=True):
                most = reach(rate, abs(slope), abs(old), group)
                if abs(new - old) > _SLACK * most + rounding * max(abs(old), abs(new)):
                    return True
        return False
