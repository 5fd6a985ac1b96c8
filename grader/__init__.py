"""Grades notebooks of CNN labs: running them produces evidence, judging is a pure function of it."""

__version__ = "0.1.0"
