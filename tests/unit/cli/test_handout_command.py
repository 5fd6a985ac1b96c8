"""`grader handout` writes over nothing, and says what is wrong before anything is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def solution(folder: Path, source: str = "# SOLUTION\nx = 1") -> Path:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    path = folder / "Lab 4 solved.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    return path


@pytest.mark.parametrize("present", ["lab4.ipynb", "rubrics/lab4.yaml", "rubrics/handouts/lab4.json"])
def test_nothing_is_written_over(lab: Path, grader, present: str):
    path = lab / present
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    ended = grader("handout", solution(lab), "--name", "lab4")
    assert ended.code == 2
    assert present in ended.err
    assert path.read_text() == "mine"


def test_a_solution_without_marks_is_told_how_to_mark(lab: Path, grader):
    ended = grader("handout", solution(lab, "x = 1"), "--name", "lab4")
    assert ended.code == 2
    assert "nothing is marked as solution" in ended.err
    assert "### BEGIN SOLUTION" in ended.err
    assert not (lab / "lab4.ipynb").exists()


def test_what_is_no_notebook_is_told(lab: Path, grader):
    path = lab / "solved.ipynb"
    path.write_text("%PDF-1.4")
    ended = grader("handout", path)
    assert ended.code == 2
    assert "the solution is no notebook" in ended.err
