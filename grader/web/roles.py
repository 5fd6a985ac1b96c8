"""Who may what: each route asks for one permission, each role has some, and there is nothing else to read."""

from __future__ import annotations

from enum import StrEnum

from grader.workflows.accounts.roles import Role

__all__ = [
    "ALIKE_AT_MOST",
    "GRANTED",
    "Permission",
    "Role",
    "alike_at_most",
    "grades_blind",
    "is_limited",
    "may",
    "reruns_at_most",
]


class Permission(StrEnum):
    """What a route asks for."""

    #: Anybody, signed in or not: nothing of the course is in the answer.
    PUBLIC = "public"
    #: Whoever is signed in; in a course, whoever is in it.
    SIGNED_IN = "signed in"
    #: What is somebody's own: files, feedback, requests. Objects are found by the enrolment's student alone.
    OWN_WORK = "hand in and read their own work"
    READ_WORK = "read others' work"
    MARK = "mark"
    MARK_ALIKE = "apply to alike"
    READ_REMARKS = "read remark requests"
    DECIDE_REMARKS = "decide remark requests"
    READ_CLASS = "read the class at a glance"
    TRY_RUBRIC = "try a rubric out"
    PUBLISH_RUBRIC = "publish a rubric"
    READ_RELEASE = "read what is released"
    RELEASE = "release marks"
    AUDIT = "prove the history"
    READ_QUEUE = "read the queue"
    RERUN = "run a submission again"
    STEER_QUEUE = "pause the queue"
    #: A worker gets notebooks of every course of the server: who has this, needs it in each of them.
    KEEP_WORKERS = "let workers in"
    READ_SIMILAR = "look for near copies"
    READ_PEOPLE = "read who is in the course"
    #: No role has it: a signed link says who hands in, and for what.
    LINK = "hand in by a link"
    READ_SETUP = "read how an assignment is set up"
    SET_UP = "set an assignment up"
    #: No role has it: a worker has a token of its own, and may end what was leased to it.
    WORK = "run what is leased to it"
    #: No role has it: who watches the server has a token of their own, or is on its machine.
    WATCH = "watch the server"


_READING = {
    Permission.PUBLIC,
    Permission.SIGNED_IN,
    Permission.READ_WORK,
    Permission.READ_REMARKS,
    Permission.READ_QUEUE,
}
_GRADING = {
    Permission.MARK,
    Permission.MARK_ALIKE,
    Permission.DECIDE_REMARKS,
    Permission.TRY_RUBRIC,
    Permission.RERUN,
}
_LEADING = {
    Permission.READ_CLASS,
    Permission.AUDIT,
    Permission.PUBLISH_RUBRIC,
    Permission.READ_SETUP,
    Permission.STEER_QUEUE,
}
_KEEPING = {Permission.READ_QUEUE, Permission.RERUN, Permission.STEER_QUEUE, Permission.KEEP_WORKERS}
#: Names students, or says what they are shown.
_OF_THE_CLASS = {Permission.READ_PEOPLE, Permission.READ_RELEASE}
#: Decides for all students.
_DECIDING = {Permission.SET_UP, Permission.RELEASE, Permission.KEEP_WORKERS, Permission.READ_SIMILAR}
#: Of what is in their share (`grader.store.limited`), and of nothing else.
_ASSIGNED = {
    Permission.PUBLIC,
    Permission.SIGNED_IN,
    Permission.READ_WORK,
    Permission.READ_REMARKS,
    Permission.MARK,
}

#: The class at a glance names students, so that who grades blind does not see it.
GRANTED: dict[Role, frozenset[Permission]] = {
    Role.STUDENT: frozenset({Permission.PUBLIC, Permission.SIGNED_IN, Permission.OWN_WORK}),
    Role.ASSIGNED_TA: frozenset(_ASSIGNED),
    Role.TA: frozenset(_READING | _GRADING),
    Role.HEAD_TA: frozenset(_READING | _GRADING | _LEADING),
    Role.INSTRUCTOR: frozenset(_READING | _GRADING | _LEADING | _OF_THE_CLASS | _DECIDING),
    Role.AUDITOR: frozenset(
        _READING | _OF_THE_CLASS | {Permission.READ_CLASS, Permission.AUDIT, Permission.READ_SETUP}
    ),
    # Who keeps the machine going sees nobody's work, and the queue by pseudonyms.
    Role.ADMIN: frozenset({Permission.PUBLIC, Permission.SIGNED_IN} | _KEEPING),
}

_SEEING = {Role.HEAD_TA, Role.INSTRUCTOR, Role.AUDITOR}

#: How many submissions a TA may decide in one go.
ALIKE_AT_MOST = 20


def may(role: Role | None, permission: Permission) -> bool:
    """Whether somebody of this role (None: nobody is signed in) may do this."""
    if role is None:
        return permission is Permission.PUBLIC
    return permission in GRANTED[role]


def grades_blind(role: Role) -> bool:
    """Whether students go by pseudonyms for this role: for all but those who have to know them."""
    return role not in _SEEING


def alike_at_most(role: Role) -> int | None:
    """How many submissions this role may decide in one go; None where there is no limit."""
    return ALIKE_AT_MOST if role is Role.TA else None


def reruns_at_most(role: Role) -> int | None:
    """How many submissions this role may have run again at a time; None where there is no limit."""
    return 1 if role is Role.TA else None


def is_limited(role: Role) -> bool:
    """Whether this role sees nothing but its shares of the class."""
    return role is Role.ASSIGNED_TA
