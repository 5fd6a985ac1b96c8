"""What networks compute on a batch of the notebook's own: known again, whatever their weights look like.

Hidden units in another order, scaled or turned with the next layer turned back, or split in two: the function
stays, and with it what comes out. What a network computes is worked out apart from it, with copies of its
weights (`graphs`), and kept as a few numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakIdKeyDictionary

from grader.collector.networks import class_name, is_tensor, is_trainable, parameters, shape_of
from grader.collector.recorder.fingerprint import mark
from grader.collector.recorder.graphs import Graph, Recording

__all__ = ["Functions", "Trace"]

#: Of a batch are kept so many items, and of what comes out so many numbers of each.
_ITEMS = 16
_COLUMNS = 16
_FEWEST_ITEMS = 4
_LARGEST_BATCH = 2_000_000
_MOST_BATCHES = 8
#: Items that differ less than this, seen against their size, tell nothing of a network.
_LEAST_DIFFERENCE = 1e-3
#: Of one run are kept so many moments.
_MOST_ENDS = 8
#: Looking may take this many seconds of a notebook, or this share of its time; at the ends of passes, less.
_LOOK_S, _LOOK_SHARE = 1.0, 0.03
_PASS_S, _PASS_SHARE = 0.1, 0.01
_SLOWEST_S = 1.0
#: Of processor time, so that a busy machine leaves nothing out.
_CLOCK = time.process_time

#: Outputs that vary less than this, seen against their size, are those of a network that gives a constant.
_LEAST_SPREAD = 1e-4
#: Below this share of their spread two outputs are not told apart: sums of single precision in another order.
_PRECISION = 1e-6
#: What training changed has to be this much of the spread at least,
_LEAST_CHANGE = 1e-3
#: and a network that computes what another one came to is so much nearer to it than the other one was before.
_NEARER = 0.01
#: Networks of the same weights in another order, to see how near to each other chance brings outputs.
_OTHERS = 16
_FEWEST_OTHERS = 8
#: Logarithm (base 10) of the chance that a fresh network computes as much the same by itself.
_CHANCE = -9.0
#: Outputs are rounded to so many digits where it is asked how many of them differ.
_DIGITS = 3

_NO_GRAD = torch.no_grad
_DISABLED = torch._C.DisableTorchFunction


@dataclass(frozen=True, eq=False)
class Computed:
    """What a network computed on a batch at one moment.

    Attributes:
        batch: Which batch.
        values: Of (items, numbers), each number less its mean over the items, then all together of length 1.
            Of three numbers or more, each item's mean is taken off as well, which softmax does not see.
    """

    batch: int
    values: np.ndarray

    def away_from(self, other: Computed) -> float:
        """How far two are from each other but for a factor: the sine of the angle, 1 from 90 degrees on."""
        apart = float(np.sum((self.values.astype(np.float64) - other.values) ** 2))
        return float(np.sqrt(apart * (1 - apart / 4))) if apart < 2 else 1.0

    def moved_from(self, other: Computed) -> float:
        """The same, but for the sign as well."""
        return min(self.away_from(other), Computed(self.batch, -self.values).away_from(other))

    def fits(self, other: Computed) -> bool:
        return self.batch == other.batch and self.values.shape == other.values.shape


class Functions:
    """Listens to the first call of each network in a cell, and works out again what it computes.

    All that it costs is bounded by a share of the time that the notebook takes.
    """

    def __init__(self) -> None:
        self._graphs: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._batches: list[torch.Tensor] = []
        self._looking_s = 0.0
        self._began = _CLOCK()

    def call(
        self,
        original: Callable[..., Any],
        network: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Calls a network, and hears what it does if that is not known yet.

        Where that fails, less is known of it, and nothing of the record is missing: it costs nobody anything.
        """
        __tracebackhide__ = True
        recording = None
        with suppress(Exception):
            recording = self._listening(network, args, kwargs)
        if recording is None:
            return original(network, *args, **kwargs)
        began = time.perf_counter()
        with recording:
            output = original(network, *args, **kwargs)
        with suppress(Exception):
            self._heard(network, recording, output, time.perf_counter() - began)
        return output

    def _listening(
        self, network: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Recording | None:
        """What to call a network in, so that it is heard; None where nothing is to be learnt."""
        if network in self._graphs or kwargs or len(args) != 1 or not torch.is_grad_enabled():
            return None
        batch = args[0]
        plain = type(batch) is torch.Tensor and batch.is_floating_point() and batch.dim() > 1
        if not plain or len(batch) < _FEWEST_ITEMS or _is_compiled(network):
            return None
        own = [tensor for _, tensor in parameters(network)]
        if any(is_lazy(tensor) for tensor in own) or not any(is_trainable(tensor) for tensor in own):
            return None
        if not self._has_batch(batch):
            return None
        return Recording(network, batch)

    def _heard(self, network: nn.Module, recording: Recording, output: Any, seconds: float) -> None:
        """Takes what was heard; of a network that cannot be followed it is remembered that it cannot."""
        self._graphs[network] = recording.graph(output) if seconds < _SLOWEST_S else None

    def end_cell(self) -> None:
        """Listens to each network anew: the next cell may change it."""
        for network in [network for network, graph in self._graphs.items() if graph is not None]:
            del self._graphs[network]

    def trace(self, trained: Sequence[torch.Tensor], *, in_passing: bool = False) -> Trace | None:
        """Begins to follow what the network with these parameters computes; None where it was not heard.

        Args:
            trained: Those that a run trains.
            in_passing: It may be left out where time is short.
        """
        with suppress(Exception):
            graph = self._graph_of(trained)
            if graph is not None and not self.is_dear(in_passing=in_passing):
                return Trace(self, graph, self.computed(graph))
        return None

    def _graph_of(self, trained: Sequence[torch.Tensor]) -> Graph | None:
        """What was heard of the network that has these parameters; None where nothing was.

        Else of one that is given weights from outside, which are made of them.
        """
        wanted = {id(tensor) for tensor in trained}  # ids are safe here: `trained` keeps them alive
        heard = [graph for graph in reversed(list(self._graphs.values())) if graph is not None]
        for graph in heard:
            if wanted <= {id(tensor) for tensor in graph.tensors()}:
                return graph  # type: ignore[no-any-return]
        return next((graph for graph in heard if graph.fed), None)

    def is_dear(self, *, in_passing: bool) -> bool:
        """Whether no more time may be spent on looking; less of it in passing: a better moment will come."""
        seconds, share = (_PASS_S, _PASS_SHARE) if in_passing else (_LOOK_S, _LOOK_SHARE)
        return self._looking_s > max(seconds, share * (_CLOCK() - self._began))

    def computed(self, graph: Graph) -> tuple[Computed, ...]:
        """What a network computes now, on each of the batches that it takes."""
        began = _CLOCK()
        found = [self._on(place, graph) for place in range(len(self._batches))]
        self._looking_s += _CLOCK() - began
        return tuple(each for each in found if each is not None)

    def came_to(
        self,
        graph: Graph,
        now: Sequence[Computed],
        began: Sequence[Computed],
        ended: Sequence[Computed],
    ) -> bool:
        """Whether a network computes what another one came to by training, and not by chance.

        Seen against what training changed: where a network computes nearly the same whatever its weights are,
        as one that adds a little to its input, training changes as little. And seen against what weights like
        its own come to: where all networks of a kind compute nearly the same, it tells nothing.

        Args:
            graph: Of the network that is asked about.
            now: What it computes.
            began: What the other one computed before its training, on each batch.
            ended: What it computed later.
        """
        for mine in now:
            for first in began:
                for later in ended:
                    if mine.fits(later) and first.fits(later) and _is_nearer(mine, first, later):
                        return self._chance(graph, mine, later) <= _CHANCE
        return False

    def _chance(self, graph: Graph, mine: Computed, other: Computed) -> float:
        """Chance (log 10) that weights like its own come so near to what another computes."""
        generator = np.random.default_rng(0)
        drawn = [self._on(mine.batch, graph, shuffled_by=generator) for _ in range(_OTHERS)]
        fitting = [
            each.values.ravel().astype(np.float64) for each in drawn if each is not None and each.fits(other)
        ]
        if len(fitting) < _FEWEST_OTHERS:
            return 0.0
        target = other.values.ravel().astype(np.float64)
        beside = np.stack([each - (each @ target) * target for each in fitting])
        reach = np.linalg.svd(beside, compute_uv=False) / np.sqrt(len(fitting))
        near = max(mine.away_from(other), _PRECISION)
        telling = reach[reach > near][: _told_apart(other.values)]
        return float(np.log10(near / telling).sum())

    def _has_batch(self, batch: torch.Tensor) -> bool:
        """Whether there is a batch to ask with, of items like these: the first one whose items differ."""
        if any(shape_of(known)[1:] == shape_of(batch)[1:] for known in self._batches):
            return True
        if len(self._batches) >= _MOST_BATCHES:
            return False
        with _NO_GRAD(), _DISABLED():
            items = batch.detach()[:_ITEMS].clone()
            if items.numel() > _LARGEST_BATCH or not bool(torch.isfinite(items).all()):
                return False
            if float((items - items[:1]).abs().max()) <= _LEAST_DIFFERENCE * float(items.abs().max()):
                return False
        self._batches.append(items)
        return True

    def _on(
        self, place: int, graph: Graph, shuffled_by: np.random.Generator | None = None
    ) -> Computed | None:
        """What a network computes on a batch; None where it does not take it, or gives a constant."""
        known = self._batches[place]
        try:
            with _NO_GRAD(), _DISABLED():
                length = graph.rows if graph.by_length else len(known)
                given = known[torch.arange(length, device=known.device) % len(known)]
                output = graph.again(given, shuffled_by)
                if not is_tensor(output) or not output.is_floating_point() or len(output) != length:
                    return None
                rows = output[: len(known)]
                return _compared(rows.reshape(len(rows), -1).double().cpu().numpy(), place)
        except Exception:
            return None  # another network's batch


class Trace:
    """What the network of one run computed: at its start, at the ends of passes, and at the latest reading.

    Args:
        functions: Which works it out.
        graph: What was heard of the network.
        began: What it computed before its first step.
    """

    def __init__(self, functions: Functions, graph: Graph, began: Sequence[Computed]) -> None:
        self._functions = functions
        self._graph = graph
        self._began = tuple(began)
        self._ends: list[Sequence[Computed]] = []
        self._due: tuple[tuple[int, float], ...] | None = None

    def came_to(self, other: Trace) -> bool:
        """Whether it began with what another run's network came to by its training, and not by chance."""
        ended = [each for moment in other._ends for each in moment]
        return self._functions.came_to(self._graph, self._began, other._began, ended)

    def beside(self, trained: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """What it computes with beside the parameters that the run trains, and not mixed with them."""
        return self._graph.left_alone(trained)

    def ended(self, parameters: Sequence[torch.Tensor], *, in_passing: bool) -> None:
        """Looks at what it computes where its training may have ended, or puts that off where it is dear."""
        if not self._began:
            return
        if self._functions.is_dear(in_passing=in_passing):
            self._due = mark(parameters)
            return
        self._due = None
        self._ends.append(self._functions.computed(self._graph))
        if len(self._ends) > _MOST_ENDS:
            del self._ends[:-1:2]

    def catch_up(self, parameters: Sequence[torch.Tensor] | None) -> None:
        """Looks now, if that was put off and nothing has written to the parameters since."""
        if self._due is not None and parameters is not None and mark(parameters) == self._due:
            self.ended(parameters, in_passing=False)


def _is_compiled(network: nn.Module) -> bool:
    """Whether what it does is not done by torch's functions one by one."""
    return isinstance(network, torch.jit.ScriptModule) or class_name(network) == "OptimizedModule"


def _is_nearer(mine: Computed, first: Computed, later: Computed) -> bool:
    """Whether one is much nearer to what another came to than either is to where that one began."""
    change = min(later.moved_from(first), mine.moved_from(first))
    return change >= _LEAST_CHANGE and mine.away_from(later) <= _NEARER * change


def _compared(output: np.ndarray, batch: int) -> Computed | None:
    """Outputs as they are compared; None where they tell nothing."""
    if len(output) < _FEWEST_ITEMS or not output.size or not np.isfinite(output).all():
        return None
    picked = output[:, np.unique(np.linspace(0, output.shape[1] - 1, _COLUMNS).astype(int))]
    centred = picked - picked.mean(axis=0)
    if picked.shape[1] > 2:
        centred = centred - centred.mean(axis=1, keepdims=True)
    size, largest = float(np.linalg.norm(centred)), float(np.abs(picked).max())
    if size <= _LEAST_SPREAD * largest * np.sqrt(picked.size):
        return None
    return Computed(batch, (centred / size).astype(np.float32))


def _told_apart(values: np.ndarray) -> int:
    """How many directions outputs tell of: fewer than there are different ones, as where all are 0 or 1."""
    return max(0, len(np.unique(np.round(values / np.abs(values).max(), _DIGITS))) - 2)
