"""The kernel's share of its GPU: bounded between the fork and the student's code, checked after cells."""

from __future__ import annotations

from contextlib import suppress

import torch

__all__ = ["share_changed", "take_share"]

#: The rest is for the driver's own needs and for whoever looks whether the GPU still works. PyTorch's
#: allocator keeps to it, and code that wants to can lift it: what keeps students apart is a GPU to each.
SHARE = 0.9


def take_share() -> None:
    """Touches CUDA for the first time in this process.

    Raises:
        RuntimeError: The plan gives a GPU and there is none: the service's fault.
    """
    if not torch.cuda.is_available():
        raise RuntimeError("no GPU is visible in the sandbox, though the plan gives one")
    torch.cuda.set_per_process_memory_fraction(SHARE)


def share_changed() -> tuple[str, ...]:
    """Says where the bound is not what `take_share` made it."""
    with suppress(Exception):
        share = torch.cuda.get_per_process_memory_fraction()
        if share > SHARE + 1e-6:
            return (f"the bound on GPU memory was raised from {SHARE:.0%} to {share:.0%}",)
    return ()
