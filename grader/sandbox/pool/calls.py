"""The functions that Dask is given by name: importing this loads nothing but them."""

from __future__ import annotations

__all__ = ["describe_host", "run_job"]


def run_job(options: bytes, parcel: bytes) -> bytes:
    """On a host: the evidence of a parcel; `task` says what the answer looks like."""
    from grader.sandbox.pool import task

    return task.run_job(options, parcel)


def describe_host(options: bytes) -> bytes:
    """On a host: what it runs notebooks in."""
    from grader.sandbox.pool import task

    return task.describe_host(options)
