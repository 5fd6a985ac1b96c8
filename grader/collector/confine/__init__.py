"""What the kernel process gives up for good before the student's code runs in it.

Three layers, each of which holds where another fails: a seccomp filter on system calls, Landlock on files
and signals, and resource limits. All are one-way: the student's code cannot undo them, children inherit them.
"""

from __future__ import annotations

from grader.collector.confine.apply import Bounds, Layer, Places, confine_kernel, rehearse

__all__ = ["Bounds", "Layer", "Places", "confine_kernel", "rehearse"]
