"""What draws into a browser draws as text or into the file here: progress bars, live plots, TensorBoard."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.pyplot as plt

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]

#: Extensions that show something beside the notebook, or that only Colab has.
_NOT_HERE = ("tensorboard", "google.colab", "nb_black", "lab_black", "jupyter_black")
_DRAWN_HERE = (None, "inline", "agg")
#: Backends of Matplotlib that open a window or need a browser.
_ON_SCREEN = frozenset({
    "gtk3agg", "gtk3cairo", "gtk4agg", "gtk4cairo", "ipympl", "macosx", "module://ipympl.backend_nbagg",
    "nbagg", "notebook", "qt4agg", "qt5agg", "qt5cairo", "qtagg", "qtcairo", "tkagg", "tkcairo", "webagg",
    "widget", "wx", "wxagg", "wxcairo",
})  # fmt: skip


def install(context: Context) -> None:
    """Keeps plots inline and progress bars in text, whatever the notebook asks for."""
    shell, patch = context.shell, context.patches.replace
    patch(shell, "enable_matplotlib", _inline(context, shell.enable_matplotlib))
    patch(matplotlib, "use", _without_screen(context, matplotlib.use))
    patch(plt, "switch_backend", _without_screen(context, plt.switch_backend))
    _old_styles(context)
    extensions = shell.extension_manager
    for name in ("load_extension", "reload_extension"):
        patch(extensions, name, _without_what_is_not_here(context, getattr(extensions, name)))
    lines = shell.magics_manager.magics["line"]
    for name in ("tensorboard", "tensorflow_version"):
        lines[name] = _nothing(context, name)
        context.undo.append(functools.partial(lines.pop, name, None))
    _bars_in_text(context)


def _inline(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """``%matplotlib widget``, ``notebook``, ``qt`` and others need a browser or a screen."""

    def enable_matplotlib(gui: str | None = None) -> Any:
        if gui in _DRAWN_HERE:
            return original(gui)
        context.log.note(ShimKind.DISPLAY, f"%matplotlib {gui} stayed inline")
        return "inline", "inline"

    return enable_matplotlib


def _without_screen(context: Context, original: Callable[..., Any]) -> Callable[..., Any]:
    """``matplotlib.use("TkAgg")``, ``plt.switch_backend("QtAgg")``: windows that cannot open here."""

    @functools.wraps(original)
    def choose(backend: Any, *args: Any, **kwargs: Any) -> Any:
        if str(backend).lower() not in _ON_SCREEN:
            return original(backend, *args, **kwargs)
        context.log.note(ShimKind.DISPLAY, f"plots stayed inline, not in {backend}"[:200])
        return None

    return choose


def _old_styles(context: Context) -> None:
    """Styles that Matplotlib had until 3.7 by names which it calls ``seaborn-v0_8-...`` since."""
    styles = plt.style.library
    named = {name.replace("-v0_8", "", 1): name for name in styles if name.startswith("seaborn-v0_8")}
    added = {old: styles[name] for old, name in named.items() if old not in styles}
    styles.update(added)

    def undo() -> None:
        for old in added:
            styles.pop(old, None)

    context.undo.append(undo)


def _without_what_is_not_here(context: Context, original: Callable[[str], Any]) -> Callable[[str], Any]:
    def load_extension(module: str) -> Any:
        if not module.startswith(_NOT_HERE):
            return original(module)
        context.log.note(ShimKind.DISPLAY, f"%load_ext {module} loaded nothing")
        return None

    return load_extension


def _nothing(context: Context, name: str) -> Callable[[str], None]:
    def magic(line: str = "") -> None:
        context.log.note(ShimKind.DISPLAY, f"%{name} showed nothing")

    return magic


def _bars_in_text(context: Context) -> None:
    """``tqdm.notebook`` sends each step to a browser's widget; the bar on the terminal says the same."""
    try:
        import tqdm.autonotebook
        import tqdm.notebook
        import tqdm.std
    except ImportError:
        return
    texts = {
        "tqdm": tqdm.std.tqdm,
        "trange": tqdm.std.trange,
        "tqdm_notebook": tqdm.std.tqdm,
        "tnrange": tqdm.std.trange,
    }
    for module in ("tqdm.notebook", "tqdm.autonotebook", "tqdm.auto"):
        found = sys.modules.get(module)
        for name in ("tqdm", "trange", "tqdm_notebook", "tnrange") if found is not None else ():
            if name in vars(found):
                context.patches.replace(found, name, texts[name])
    for name in ("tqdm_notebook", "tnrange"):
        if name in vars(tqdm):
            context.patches.replace(tqdm, name, texts[name])
