"""Training runs while they go on: settings, steps, losses, and what the parameters were at each boundary."""

from __future__ import annotations

import hashlib
import statistics
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch.utils.weak import TensorWeakRef

from grader.collector.recorder.cells import Place
from grader.collector.recorder.fingerprint import Snapshot, mark, take
from grader.collector.recorder.functions import Trace
from grader.collector.recorder.losses import LossCall
from grader.collector.recorder.passes import Pass
from grader.evidence.training import LossUse, ModelIdentity, Start, TrainingRun

__all__ = ["Run", "settings_of", "shown_settings"]

_MAX_LOSSES = 256
_MAX_MILESTONES = 256
_MAX_BATCH_SIZES = 64
_MAX_SETTING = 80
#: Reading parameters after single steps may take this many seconds of a run, or this share of its time.
_EAGER_S = 1.0
_EAGER_SHARE = 0.1
_CLOCK = time.perf_counter
_WATCHED_SETTINGS = ("lr", "momentum", "weight_decay", "betas", "alpha", "nesterov")
_NOT_SETTINGS = frozenset(
    {
        "params",
        "foreach",
        "fused",
        "capturable",
        "differentiable",
        "maximize",
        "initial_lr",
        "decoupled_weight_decay",
    }
)


def settings_of(optimizer: Any) -> tuple[Any, ...]:
    """What a student may edit between two runs, in every parameter group; compared at each step."""
    return tuple(
        tuple(_plain(group.get(name)) for name in _WATCHED_SETTINGS) for group in optimizer.param_groups
    )


def shown_settings(optimizer: Any) -> dict[str, float | bool | str | None]:
    """Hyperparameters of the first parameter group, pairs such as betas spelt out as text."""
    group = optimizer.param_groups[0]
    return {str(name): _shown(value) for name, value in group.items() if name not in _NOT_SETTINGS}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value


def _shown(value: Any) -> float | bool | str | None:
    value = _plain(value)
    if value is None or type(value) in (bool, float):
        return value  # type: ignore[no-any-return]
    return float(value) if type(value) is int else _as_text(str(value))


def _as_text(text: str) -> str:
    """The text; a longer one as its beginning and a digest, so that different values stay different."""
    if len(text) <= _MAX_SETTING:
        return text
    return f"{text[:_MAX_SETTING]}... sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


@dataclass(eq=False)
class Run:
    """One training run.

    Parameters are held strongly only until the cell ends: a net replaced within the cell must still be
    read when the next run opens.

    Attributes:
        trainable: Parameters that it trains, weakly.
        milestones: Their values at the start (first), at the end of each pass, and at the latest reading.
        unread: Steps were taken since the latest reading.
        marks: Write counter and first element of each parameter after a latest step that was not read;
            the counter does not move with writes through ``.data``, the element does.
        trace: What its network computed; None where that is not known.
    """

    index: int
    order: int
    place: Place
    model: ModelIdentity
    start: Start
    trainable: tuple[TensorWeakRef, ...]
    milestones: list[Snapshot]
    method: Literal["optimizer", "by_hand"] = "optimizer"
    optimizer: weakref.ref[Any] | None = None
    optimizer_class: str | None = None
    hyperparameters: dict[str, float | bool | str | None] = field(default_factory=dict)
    settings: tuple[Any, ...] = ()
    held: Sequence[torch.Tensor] = ()
    trace: Trace | None = None
    last_cell: int | None = None
    source: int | None = None
    loader: int | None = None
    steps: int = 0
    passes: int = 0
    passes_cut: int = 0
    batch_sizes: set[int] = field(default_factory=set)
    batch_sizes_cut: bool = False
    loss: LossCall | None = None
    loss_calls: int = 0
    losses_cut: bool = False
    current: Pass | None = None
    unread: bool = False
    end_known: bool = True
    marks: tuple[tuple[int, float], ...] = ()
    _pass_losses: list[torch.Tensor] = field(default_factory=list)
    _losses: list[float] = field(default_factory=list)
    _since: float = field(default_factory=_CLOCK)
    _reading_s: float = 0.0

    @property
    def began_fresh(self) -> bool:
        """Whether nothing is known against its start: none of an earlier run's weights, nor any like them."""
        carried = self.start.carried_share > 0 or self.start.resembles
        return not carried and (self.start.determined or self.method == "by_hand")

    def parameters(self) -> list[torch.Tensor] | None:
        """Its parameters; None where one of them is gone."""
        if self.held:
            return list(self.held)
        alive = [reference() for reference in self.trainable]
        return None if any(tensor is None for tensor in alive) else [t for t in alive if t is not None]

    def stepped(
        self,
        cell: int | None,
        used: list[tuple[torch.Tensor, LossCall | None]],
        dropped: bool,
        during: Pass | None,
    ) -> None:
        """Accounts for one optimizer step on the losses that the backward passes before it used.

        Args:
            cell: In which it is taken.
            used: The losses, the earliest left out where they were `dropped`.
            dropped: There were more of them.
            during: The pass over a loader that it is part of.
        """
        self.steps += 1
        self.last_cell = cell
        self.unread = True
        if during is not None and during is not self.current:
            self._begin_pass(during)
        self.take_losses(used, dropped)
        if during is None:
            self._read_after_single_step()
        if len(self._pass_losses) >= _MAX_LOSSES and during is None:
            self._fold_losses()

    def take_losses(self, used: list[tuple[torch.Tensor, LossCall | None]], dropped: bool) -> None:
        self.losses_cut = self.losses_cut or dropped
        for value, call in used:
            self._pass_losses.append(value)
            if call is not None:
                self._count(call)

    def _begin_pass(self, during: Pass) -> None:
        self._fold_losses()
        self.current = during
        self.passes += 1
        if self.source is None:
            self.source = during.source
            self.loader = during.loader

    def _count(self, call: LossCall) -> None:
        self.loss_calls += 1
        if self.loss is None:
            call.node = None
            self.loss = call
        self.batch_sizes.add(call.batch_size)
        if len(self.batch_sizes) > _MAX_BATCH_SIZES:
            self.batch_sizes.remove(min(self.batch_sizes))
            self.batch_sizes_cut = True

    def _read_after_single_step(self) -> None:
        """Without a loader no pass ends, so each step may be the last; reads while that is cheap."""
        self.marks = ()
        if self._reading_s <= max(_EAGER_S, _EAGER_SHARE * (_CLOCK() - self._since)):
            self.read_end(in_passing=True)
        else:
            parameters = self.parameters() or ()
            self.marks = mark(parameters)

    def read_end(self, *, in_passing: bool = False) -> None:
        """Reads the parameters if steps were taken since the last reading.

        Where they were written to after the latest step, by something else than the optimizer, the end
        of the run is unknown.

        Args:
            in_passing: There will be more readings: what the network computes may be left to a later one.
        """
        parameters = self.parameters()
        if not self.unread:
            if self.trace is not None and not in_passing:
                self.trace.catch_up(parameters)
            return
        self.unread = False
        if parameters is None or (self.marks and self.marks != mark(parameters)):
            self.end_known = False
            return
        began = _CLOCK()
        self._keep(take(parameters))
        self.marks = ()
        self.end_known = True
        self._reading_s += _CLOCK() - began
        if self.trace is not None:
            self.trace.ended(parameters, in_passing=in_passing)

    def _keep(self, snapshot: Snapshot) -> None:
        """Keeps the start, the ends of passes and the latest reading; thins the middle of long runs."""
        if self.current is None and len(self.milestones) > 1:
            self.milestones[-1] = snapshot
            return
        self.milestones[-1] = self.milestones[-1].without_filters()
        self.milestones.append(snapshot)
        if len(self.milestones) > _MAX_MILESTONES:
            del self.milestones[1:-1:2]

    def pass_ended(self, ended: Pass) -> None:
        if self.current is ended:
            self.read_end(in_passing=True)
            self.passes_cut += ended.cut
            self._fold_losses()
            self.current = None

    def release(self) -> None:
        """Ends the cell: reads what is left to read, then lets the parameters go."""
        self.read_end()
        self.held = ()

    def _fold_losses(self) -> None:
        if not self._pass_losses:
            return
        values = [float(value.float().mean()) for value in self._pass_losses]
        self._pass_losses = []
        self._losses.append(statistics.fmean(values))
        if len(self._losses) > _MAX_LOSSES:
            *earlier, last = self._losses
            halves = [statistics.fmean(earlier[place : place + 2]) for place in range(0, len(earlier), 2)]
            self._losses = [*halves, last]
            self.losses_cut = True

    def record(self) -> TrainingRun:
        if self.current is None:
            self._fold_losses()
        return TrainingRun(
            index=self.index,
            order=self.order,
            cell=self.place.cell,
            line=self.place.line,
            last_cell=self.last_cell,
            method=self.method,
            optimizer=self.optimizer_class,
            hyperparameters=self.hyperparameters,
            batch_sizes=tuple(sorted(self.batch_sizes, reverse=True)),
            batch_sizes_cut=self.batch_sizes_cut,
            passes=self.passes,
            passes_cut=self.passes_cut,
            steps=self.steps,
            losses=tuple(self._losses),
            losses_cut=self.losses_cut,
            loss=self._loss_use(),
            model=self.model,
            source=self.source,
            start=self.start,
        )

    def _loss_use(self) -> LossUse | None:
        if self.loss is None:
            return None
        return LossUse(
            function=self.loss.function,
            input_shape=self.loss.input_shape,
            input_kind=self.loss.kind,
            calls=self.loss_calls,
        )
