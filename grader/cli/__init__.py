"""The command line: reads options, calls a workflow, prints what came of it."""

from grader.cli.entry import execute, main

__all__ = ["execute", "main"]
