"""Names that are a lab's, a file's or a folder's, and names that are a student's."""

import pytest

from grader.intake.doubtful import is_doubtful

LABS = ("lab2", "lab3b", "convolution")


@pytest.mark.parametrize(
    "name",
    [
        "lab2", "Lab 2", "lab_2", "lab3b", "Lab-3B", "convolution", "lab", "Lab_2_final", "Copy of Lab_2",
        "copy_of_lab2", "Untitled", "Untitled3", "untitled (1)", "assignment1", "Assignment 1 - Copy", "hw4",
        "homework_04", "notebook", "submissions", "Submission", "submitted", "Downloads", "final", "solution",
        "problem set 2", "week 3", "new folder", "My Drive", "lab1 solution v2",
    ],
)  # fmt: skip
def test_no_student_is_called_so(name):
    assert is_doubtful(name, LABS)


@pytest.mark.parametrize(
    "name",
    [
        "s101", "alice", "mueller", "1004567890", "group_0001", "group-12", "lab2_smith", "smith_lab2",
        "labelle", "Finalman", "weekes", "notebookov", "datas", "mainz", "team 3", "g7", "hwang", "a12345",
        "project_alice",
        "partha", "李雷", "testa", "u1",
    ],
)  # fmt: skip
def test_a_student_may_be_called_so(name):
    assert not is_doubtful(name, LABS)


def test_what_has_no_letters_is_left_to_others():
    assert not is_doubtful("", ())
    assert not is_doubtful("---", ("---",))
