"""What matplotlib drew: each figure when it is shown or saved, and what a cell left open."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grader.collector.recorder.cells import Cells
from grader.collector.recorder.patches import Patches
from grader.evidence.plots import (
    MOST_AXES,
    MOST_IMAGES,
    MOST_LINES,
    MOST_PLOTS,
    MOST_TEXT,
    DrawnAxes,
    DrawnLine,
    Plot,
)
from grader.evidence.text import shortened

__all__ = ["Plots", "described"]

#: The module of IPython that makes pictures of figures for the notebook.
_SHOWING = "IPython.core.pylabtools"
_MOST_FRAMES = 12
_MOST_POINTS = 1_000_000


class Plots:
    """Figures of the running cell; each is described as it is, and no picture is kept.

    Attributes:
        installed: Figures are recorded, so that none means that none was drawn.
        cut: There were more than are kept.
    """

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._new: list[Plot] = []
        self._known: weakref.WeakSet[Figure] = weakref.WeakSet()
        self.installed = False
        self.cut = False

    def install(self, patches: Patches) -> None:
        """Hooks into the one function that every picture of a figure comes from."""
        patches.replace(FigureCanvasBase, "print_figure", self._printing(FigureCanvasBase.print_figure))
        self.installed = True

    def drain(self) -> tuple[Plot, ...] | None:
        """Figures since the last call, those that were left open last; None where nothing is recorded."""
        if not self.installed:
            return None
        for manager in list(Gcf.figs.values()):
            self._note(manager.canvas.figure, "left")
        drained = tuple(self._new)
        self._new.clear()
        return drained

    def _printing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def print_figure(canvas: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(canvas, filename, *args, **kwargs)
            self._printed(canvas.figure, filename)
            return answer

        return print_figure

    def _printed(self, figure: Any, filename: Any) -> None:
        into_file = isinstance(filename, str | os.PathLike)
        self._note(figure, "saved" if into_file or not _is_shown() else "shown")

    def _note(self, figure: Any, how: str) -> None:
        """Keeps what a figure is now; once for each look that it had, and left where it had none."""
        if self._cells.current is None or (how == "left" and figure in self._known):
            return
        try:
            plot = described(figure, self._cells.current, how)
            self._known.add(figure)
        except Exception:  # the student's own artists may raise anything; the picture is there all the same
            plot = Plot(cell=self._cells.current, how=how, cut=True)
        if plot in self._new or (how == "left" and not plot.axes):
            return
        if len(self._new) >= MOST_PLOTS:
            self.cut = True
        else:
            self._new.append(plot)


def _is_shown() -> bool:
    """Whether the picture is made for the notebook."""
    frame = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame.f_globals.get("__name__") == _SHOWING:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def described(figure: Figure, cell: int, how: str) -> Plot:
    """A figure as plain data.

    Raises:
        Exception: Whatever an artist of the student's own raises when it is asked.
    """
    axes = list(figure.axes)
    common = (figure.get_supxlabel(), figure.get_supylabel(), *(text.get_text() for text in figure.texts))
    return Plot(
        cell=cell,
        how=how,
        title=_text(figure.get_suptitle()),
        axes=tuple(_axes(each, figure) for each in axes[:MOST_AXES]),
        texts=sum(bool(str(text).strip()) for text in common),
        cut=len(axes) > MOST_AXES,
    )


def _axes(axes: Axes, figure: Figure) -> DrawnAxes:
    """One coordinate system; the legend of the whole figure is that of each which has none of its own."""
    lines, images = list(axes.lines), list(axes.images)
    legend = next(filter(None, (axes.get_legend(), *figure.legends)), None)
    titles = (axes.get_title(loc) for loc in ("center", "left", "right"))
    return DrawnAxes(
        title=_text(" ".join(filter(None, titles))),
        x_label=_text(axes.get_xlabel()),
        y_label=_text(axes.get_ylabel()),
        lines=tuple(_line(line, axes) for line in lines[:MOST_LINES]),
        images=tuple(_shape(image.get_array()) for image in images[:MOST_IMAGES]),
        others=len(axes.collections) + len(axes.patches),
        texts=len(axes.texts),
        legend=() if legend is None else _texts(text.get_text() for text in legend.get_texts()),
        cut=len(lines) > MOST_LINES or len(images) > MOST_IMAGES,
    )


def _line(line: Line2D, axes: Axes) -> DrawnLine:
    label = str(line.get_label())
    heights = np.asarray(line.get_ydata(orig=False))
    # Lines across the axes, as of `axhline`, have places of their own and no data.
    of_data = all(line.get_transform().contains_branch_seperately(axes.transData))
    return DrawnLine(
        points=int(np.isfinite(heights.astype(np.float64)).sum()) if of_data else 0,
        label="" if label.startswith("_") else _text(label),
        digest=_digest(heights),
    )


def _digest(heights: np.ndarray) -> str | None:
    if not 0 < heights.size <= _MOST_POINTS:
        return None
    return hashlib.sha256(np.ascontiguousarray(heights, dtype=np.float64).tobytes()).hexdigest()[:16]


def _shape(array: Any) -> tuple[int, ...]:
    return () if array is None else tuple(int(size) for size in np.shape(array))


def _text(text: Any) -> str:
    return shortened(str(text).strip(), MOST_TEXT)


def _texts(texts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(_text(text) for text in texts)[:MOST_LINES]
