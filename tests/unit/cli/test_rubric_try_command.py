"""`grader rubric try` on the command line: what it prints, its exit code, and what it refuses."""

from __future__ import annotations

from pathlib import Path


def notebook(lab: Path, student: str) -> Path:
    return next(path for path in (lab / "submissions").rglob("*.ipynb") if student in str(path))


def test_criteria_and_what_is_wrong_are_printed(lab: Path, grader):
    good, shadowing = notebook(lab, "s1"), notebook(lab, "s2")
    ended = grader("rubric", "try", "mini", "--solution", good, "--no-mutants")
    assert "criterion" in ended.out
    assert "running the solution" in ended.err
    # The solution's folder is the instructor's, whose settings and rubrics count.
    assert "not used" not in ended.err
    wrong = f"{shadowing}:builtin-shadowing"
    told = grader("rubric", "try", "mini", "--solution", shadowing, "--wrong", wrong, "--no-mutants")
    assert told.code == 1
    assert f"error: builtin-shadowing: does not notice {shadowing}" in told.out


def test_a_criterion_that_is_not_there_is_told_before_anything_runs(lab: Path, grader):
    good = notebook(lab, "s1")
    ended = grader("rubric", "try", "mini", "--solution", good, "--wrong", f"{good}:builtin-shadwing")
    assert ended.code == 2
    assert "did you mean 'builtin-shadowing'?" in ended.err
    assert "running" not in ended.err
    bare = grader("rubric", "try", "mini", "--solution", good, "--wrong", "w.ipynb")
    assert "NOTEBOOK:CRITERION" in bare.err
