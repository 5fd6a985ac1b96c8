"""The training recorder: hooks on optimizers, losses, networks and loaders, joined into one history."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd import Variable
from torch.optim import optimizer as torch_optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.utils.weak import TensorWeakRef, WeakIdKeyDictionary

from grader.collector.networks import class_name, is_tensor, is_trainable
from grader.collector.recorder.arrival import arrived_at
from grader.collector.recorder.by_hand import ByHand, Update
from grader.collector.recorder.carry import doubted, judge_start
from grader.collector.recorder.cells import Cells, Place
from grader.collector.recorder.checkpoints import training_of
from grader.collector.recorder.evaluations import Evaluations
from grader.collector.recorder.fingerprint import Snapshot, take
from grader.collector.recorder.functions import Functions
from grader.collector.recorder.identity import Models
from grader.collector.recorder.losses import Losses
from grader.collector.recorder.passes import Pass, Passes
from grader.collector.recorder.patches import Patches
from grader.collector.recorder.runs import Run, settings_of, shown_settings
from grader.collector.recorder.sources import Sources
from grader.collector.recorder.steps import StepWatch
from grader.collector.recorder.unseen import moved_on
from grader.evidence.plan import Training
from grader.evidence.record import ShimKind
from grader.evidence.training import Start, TrainingHistory

__all__ = ["Recorder"]

_MAX_RUNS = 500
_MAX_NOTES = 50
_MAP_AXES = 4


class Recorder:
    """Records what a notebook trains; holds networks, optimizers and loaders weakly between cells.

    Args:
        cells: Where the notebook stands.
        training: Whether passes are ended early.
        note_shim: Called with (kind, detail) where the budget or the lack of workers changed something.
    """

    def __init__(self, cells: Cells, training: Training, note_shim: Callable[[ShimKind, str], None]) -> None:
        self._cells = cells
        self._patches = Patches()
        self._models = Models(cells, self.note)
        self._losses = Losses(self.note)
        self._sources = Sources(cells, self.note)
        self._passes = Passes(cells, self._sources, training, self._pass_closed, note_shim, self.note)
        self._evaluations = Evaluations(self._models, self.note)
        self._functions = Functions()
        self._by_hand = ByHand(functools.partial(self._functions.trace, in_passing=True))
        self._runs: list[Run] = []
        self._of_optimizer: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._scheduled: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._watches: dict[int, StepWatch] = {}
        self._in_backward = False
        self._idle: set[int] = set()
        self._threads: list[int] = []
        self._hooks: list[tuple[dict[int, Any], Any]] = []
        self._handles: list[Any] = []
        self._notes: list[str] = []
        self._order = 0
        self._depth = 0

    def install(self) -> None:
        """Hooks into torch; to be called before any of the student's code."""
        self._losses.install(self._patches)
        self._passes.install(self._patches)
        patch = self._patches.replace
        patch(nn.Module, "__call__", self._calling(nn.Module.__call__))
        patch(torch.Tensor, "backward", self._backward(torch.Tensor.backward))
        patch(Variable, "_execution_engine", self._engine(Variable._execution_engine))
        for scheduler in (LRScheduler, ReduceLROnPlateau):
            patch(scheduler, "__init__", self._scheduling(scheduler.__init__))
        for owner in (torch, np):
            patch(owner, "save", self._saving(owner.save))
        self._hook(
            torch_optimizer.register_optimizer_step_pre_hook,
            torch_optimizer._global_optimizer_pre_hooks,
            self._before_step,
        )
        self._hook(
            torch_optimizer.register_optimizer_step_post_hook,
            torch_optimizer._global_optimizer_post_hooks,
            self._after_step,
        )

    def uninstall(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._hooks.clear()
        self._patches.undo()

    def _hook(
        self, register: Callable[..., Any], registry: dict[int, Any], method: Callable[..., None]
    ) -> None:
        hook = self._guarded(method)
        self._handles.append(register(hook))
        self._hooks.append((registry, hook))

    def _guarded(self, method: Callable[..., None]) -> Callable[..., None]:
        """Keeps the recorder's own faults away from the student's code."""

        @functools.wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                method(*args, **kwargs)
            except Exception as error:
                self.note(f"the recorder failed in {method.__name__}: {type(error).__name__}: {error}"[:300])

        return guarded

    def note(self, text: str) -> None:
        if text not in self._notes and len(self._notes) < _MAX_NOTES:
            self._notes.append(text)

    # What the student's code runs into.

    def _calling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        applied, gave = self._guarded(self._applied), self._guarded(self._gave)
        entering, leaving = self._losses.entering, self._losses.leaving

        @functools.wraps(original)
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._depth or self._passes.fetching:
                return original(module, *args, **kwargs)
            self._depth += 1
            is_loss = entering(module)
            try:
                if is_loss:
                    return original(module, *args, **kwargs)
                applied(module)
                output = self._functions.call(original, module, args, kwargs)
                gave(output)
                return output
            finally:
                self._depth -= 1
                if is_loss:
                    leaving()

        return call

    def _applied(self, module: nn.Module) -> None:
        network = self._models.applied(module)
        current = self._passes.current
        if network is None or current is None:
            return
        if current.model is None:
            self._order += 1
            current.order = self._order
            current.after_run = len(self._runs) - 1 if self._runs else None
        if current.model is None or current.model() is not network:
            current.model = weakref.ref(network)

    def _gave(self, output: Any) -> None:
        current = self._passes.current
        if current is not None:
            current.gives_maps = is_tensor(output) and output.ndim == _MAP_AXES
            current.pending.gave(current.batches, output)

    def _backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        started = self._guarded(self._backward_started)

        @functools.wraps(original)
        def backward(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            started(tensor)
            within, self._in_backward = self._in_backward, True
            try:
                return original(tensor, *args, **kwargs)
            finally:
                self._in_backward = within

        return backward

    def _engine(self, original: Any) -> Any:
        """Torch's engine of gradients, which `autograd.grad` and `autograd.backward` come to as well."""
        taken = self._guarded(self._gradients_taken)

        def run_backward(engine: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._in_backward:
                taken(outputs, accumulated=bool(kwargs.get("accumulate_grad")))
            return type(original).run_backward(engine, outputs, *args, **kwargs)

        return type("Engine", (type(original),), {"run_backward": run_backward})()

    def _gradients_taken(self, outputs: Any, *, accumulated: bool) -> None:
        first = next((each for each in outputs if is_tensor(each)), None)
        if accumulated and first is not None:
            self._backward_started(first)
            return
        model = self._models.latest()
        if model is not None:
            self._by_hand.backward(model, self._cells, self._passes.current)

    def _backward_started(self, tensor: torch.Tensor) -> None:
        self._losses.backward(tensor)
        current = self._passes.current
        if current is not None:
            current.backward(tensor)
        model = self._models.latest()
        if model is not None:
            self._by_hand.backward(model, self._cells, current)

    def _scheduling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def init(scheduler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._scheduled[optimizer] = True
            return original(scheduler, optimizer, *args, **kwargs)

        return init

    def _saving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def save(*args: Any, **kwargs: Any) -> Any:
            current = self._passes.current
            if current is not None and any(is_tensor(a) or type(a) is np.ndarray for a in args[:2]):
                current.saves = True
            return original(*args, **kwargs)

        return save

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._idle.discard(id(optimizer))
        if _moves_nothing(optimizer, args, kwargs):
            self._idle.add(id(optimizer))  # until its step ends, which keeps it alive
            return
        self._in_thread(threading.get_ident())
        run = self._of_optimizer.get(optimizer)
        settings = settings_of(optimizer)
        if run is None or self._begins_anew(run, optimizer, settings):
            run = self._open(optimizer, settings, run)
            self._of_optimizer[optimizer] = run
        if not run.held:
            run.held = run.parameters() or ()
            self._by_hand.optimised(run.held)
        watch = self._watches.get(run.index)
        if watch is not None:
            self._doubt(run, watch.before_step(run, run.held))

    def _in_thread(self, thread: int) -> None:
        """Notes trainings that go on by turns in several threads of a cell: one pass is known at a time."""
        if thread in self._threads[:-1]:
            self.note("networks were trained in several threads at once, so that passes may be mixed up")
        if thread not in self._threads[-1:]:
            self._threads.append(thread)

    def _begins_anew(self, run: Run, optimizer: Any, settings: tuple[Any, ...]) -> bool:
        """Whether a known optimizer's next step belongs to a new run."""
        if settings != run.settings:
            if optimizer in self._scheduled or not self._is_global(optimizer):
                run.settings = settings  # a schedule: torch's own, or written out in the training function
                return False
            return True
        if run.last_cell == self._cells.current or not run.end_known:
            return False
        now = run.parameters()
        return now is not None and not take(now).equals(run.milestones[-1])

    def _is_global(self, thing: Any) -> bool:
        return any(value is thing for value in list(self._cells.namespace.values()))

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        run = self._of_optimizer.get(optimizer)
        if id(optimizer) in self._idle or run is None:
            return
        current = self._passes.current
        if current is not None:
            current.stepped()
        watch = self._watches.get(run.index)
        if watch is not None:
            self._doubt(run, watch.after_step(run, optimizer, run.held))
        run.stepped(self._cells.current, *self._losses.drain_for(run, current), current)
        self._losses.clear()

    def _doubt(self, run: Run, why: str) -> None:
        """Keeps a doubt with the run's start; a start that was handed over with its cell stays as it is."""
        if why and run.place.cell == self._cells.current:
            run.start = doubted(run.start, why)
        elif why:
            self.note(f"run {run.index}: {why}")

    # Runs.

    def _open(self, optimizer: Any, settings: tuple[Any, ...], known: Run | None) -> Run:
        trained = [
            tensor for group in optimizer.param_groups for tensor in group["params"] if is_trainable(tensor)
        ]
        for earlier in self._runs:
            earlier.read_end()
        now = take(trained)
        continued = self._continued(optimizer, settings, now, known)
        if continued is not None:
            continued.held = tuple(trained)
            return continued
        place = self._cells.place()
        trace = self._functions.trace(trained)
        start = judge_start(now, trained, self._runs, trace)
        if known is not None and known.last_cell == place.cell and start.carried_share > 0:
            start = start.model_copy(update={"determined": False, "why": _EDITED_IN_LOOP})
        run = self._add(place, trained, now, start, self._models.owning(trained))
        run.trace = trace
        run.optimizer = weakref.ref(optimizer)
        run.optimizer_class = class_name(optimizer)
        run.settings = settings
        run.hyperparameters = shown_settings(optimizer)
        self._watches[run.index] = StepWatch(optimizer, trained, self._runs[: run.index])
        self._by_hand.optimised(trained)
        return run

    def _continued(
        self, optimizer: Any, settings: tuple[Any, ...], now: Snapshot, known: Run | None
    ) -> Run | None:
        """The run that a new optimizer goes on with: one built anew for each epoch of one training.

        Same cell, optimizer class, settings, loader and weights; a second call of a training function,
        which builds its own loaders, is a run of its own.
        """
        current = self._passes.current
        latest = self._runs[-1] if self._runs else None
        if known is not None or latest is None or current is None or latest.loader is None:
            return None
        same = (
            latest.place.cell == self._cells.current
            and latest.optimizer_class == class_name(optimizer)
            and latest.settings == settings
            and latest.loader == current.loader
            and latest.end_known
            and now.equals(latest.milestones[-1])
        )
        return latest if same else None

    def _add(
        self,
        place: Place,
        trained: list[torch.Tensor],
        now: Snapshot,
        start: Start,
        model: nn.Module | None,
    ) -> Run:
        self._order += 1
        run = Run(
            index=len(self._runs),
            order=self._order,
            place=place,
            model=self._models.describe(model, trained),
            start=start,
            trainable=tuple(TensorWeakRef(tensor) for tensor in trained),
            milestones=[now],
            held=tuple(trained),
        )
        if len(self._runs) < _MAX_RUNS:
            self._runs.append(run)
        else:
            self.note(f"more than {_MAX_RUNS} training runs; later ones are not recorded")
        return run

    def _pass_closed(self, ended: Pass) -> None:
        self._guarded(self._account_for)(ended)

    def _account_for(self, ended: Pass) -> None:
        for run in self._runs:
            run.pass_ended(ended)
        self._evaluations.closed(ended)

    def training_of(self, tensors: list[torch.Tensor]) -> tuple[int, int | None] | None:
        """The training that these tensors are of, with its passes so far; None for none that was seen."""
        return training_of(self._runs, tensors)

    # Cells.

    def end_cell(self) -> None:
        """Reads what runs left, and lets go of everything that belongs to the student."""
        self._passes.close_all()
        self._threads.clear()
        for update, after in self._by_hand.end_cell():
            self._add_by_hand(update, after)
        self._guarded(self._look_for_unseen)()
        for run in self._runs:
            run.release()
        self._guarded(self._look_where_they_arrived)()
        self._functions.end_cell()
        self._losses.end_cell()
        self._depth = 0

    def _look_for_unseen(self) -> None:
        for run in moved_on(self._runs):
            self.note(f"the weights of run {run.index} moved on after its end, in no training that was seen")

    def _look_where_they_arrived(self) -> None:
        """Doubts runs of this cell that came to an earlier run's weights, at first or in the end."""
        for run in self._runs:
            if run.last_cell != self._cells.current or not run.began_fresh:
                continue
            for reading in {1, len(run.milestones) - 1} - {0}:
                at = arrived_at(run.milestones[reading], run.milestones[0], self._runs[: run.index])
                if at is not None:
                    self._doubt(run, f"its training led to the weights that run {at.index} ended with")

    def _add_by_hand(self, update: Update, after: Snapshot) -> None:
        trained = list(update.trained)
        start = judge_start(update.before, trained, self._runs, update.trace)
        earlier = self._runs[start.carried_from] if start.carried_from is not None else None
        if earlier is not None and earlier.method == "by_hand":
            start = start.model_copy(update={"determined": False, "why": _SEVERAL_CELLS})
        elif update.several:
            start = start.model_copy(update={"determined": False, "why": _SEVERAL_CALLS})
        run = self._add(update.place, trained, update.before, start, update.model)
        run.method = "by_hand"
        run.steps = update.backwards
        run.last_cell = update.place.cell
        run.milestones.append(after)
        run.trace = update.trace
        if run.trace is not None:
            run.trace.ended(trained, in_passing=False)
        if update.during is not None:
            run.source, run.loader = update.during.source, update.during.loader
            run.passes = 1
        run.take_losses(*self._losses.drain())

    def history(self) -> TrainingHistory:
        """Everything so far; runs and evaluations numbered on one timeline."""
        runs = [run.record() for run in self._runs]
        evaluations = list(self._evaluations.records())
        orders = sorted([run.order for run in runs] + [passed.order for passed in evaluations])
        position = {order: index for index, order in enumerate(orders)}
        tampered = self.tampered()
        return TrainingHistory(
            runs=tuple(run.model_copy(update={"order": position[run.order]}) for run in runs),
            evaluations=tuple(
                passed.model_copy(update={"order": position[passed.order]}) for passed in evaluations
            ),
            sources=self._sources.records(),
            layer_lists=self._models.layer_lists(),
            complete=not (tampered or self._notes),
            notes=(*tampered, *self._notes),
        )

    def tampered(self) -> tuple[str, ...]:
        """What of the recorder was taken out or replaced by the notebook."""
        removed = [
            "an optimizer hook of the recorder was removed"
            for registry, hook in self._hooks
            if not any(value is hook for value in registry.values())
        ]
        replaced = [f"{name} was replaced by the notebook" for name in self._patches.altered()]
        return tuple(dict.fromkeys(removed + replaced))


_EDITED_IN_LOOP = (
    "a global optimizer's settings were edited between its steps in one cell: a schedule written by hand, "
    "or a new setting on trained weights"
)
_SEVERAL_CALLS = (
    "weights were updated by hand by several calls in one cell: one training or several cannot be told apart"
)
_SEVERAL_CELLS = "weights were updated by hand in several cells: one training or two cannot be told apart"


def _moves_nothing(optimizer: Any, args: Any, kwargs: Any) -> bool:
    """Whether a step of one of torch's optimizers has no gradient to go by, as without a backward pass.

    It changes nothing, so it trains nothing. What closures, hooks and optimizers of a student's own go by is
    not known before the step.
    """
    own = not type(optimizer).__module__.startswith("torch.optim") or optimizer._optimizer_step_pre_hooks
    if own or len(args) > 1 or kwargs.get("closure") is not None:
        return False
    return all(tensor.grad is None for group in optimizer.param_groups for tensor in group["params"])
