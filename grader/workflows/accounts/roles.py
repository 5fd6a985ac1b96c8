"""What somebody can be in a course."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """What somebody is in a course; what each may do is said by `grader.web.roles`.

    An assigned TA is one whose enrolment reaches no further than their share of the class.
    """

    STUDENT = "student"
    ASSIGNED_TA = "assigned-ta"
    TA = "ta"
    HEAD_TA = "head-ta"
    INSTRUCTOR = "instructor"
    AUDITOR = "auditor"
    ADMIN = "admin"
