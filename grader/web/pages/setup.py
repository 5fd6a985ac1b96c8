"""How an assignment is set up: dates, who has others or is excused, and who grades what."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from grader.errors import UsageError
from grader.web.asking import asking, of_one_moment, page_number
from grader.web.forms import Form, FormError
from grader.web.guards import permits
from grader.web.rendering import address, page, see_other
from grader.web.roles import Permission
from grader.web.site import AnyRequest, server_of
from grader.workflows.accounts.roles import Role
from grader.workflows.prechecking.online import pre_check_offer, set_pre_check_rule
from grader.workflows.setting_up.dates import KEYS, dates_view, extend, extensions_of, set_dates, take_back
from grader.workflows.setting_up.excusing import excuse, excuses_of, take_back_excuse
from grader.workflows.setting_up.groups import (
    end_group,
    groups_csv,
    set_groups,
    show_names,
    who_hands_in_together,
)
from grader.workflows.setting_up.moments import moment
from grader.workflows.setting_up.share_files import shares_csv
from grader.workflows.setting_up.sharing import (
    draw_shares,
    end_share,
    give_section,
    give_share,
    who_grades_what,
)
from grader.workflows.upkeep.retention import KINDS, work_view
from grader.workflows.upkeep.retention import keep as keep_for
from grader.workflows.views.parts import part_of

__all__ = ["ROUTES"]

_NAMES = {
    "due": "due",
    "until": "nothing counts after",
    "remarks_from": "remark requests from",
    "remarks_until": "remark requests until",
}
_GRADING = (Role.ASSIGNED_TA, Role.TA, Role.HEAD_TA)


@get("/a/{assignment:str}/setup", opt=permits(Permission.READ_SETUP), sync_to_thread=True)
@of_one_moment
def setup(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    return _setup(request, assignment)


@get("/a/{assignment:str}/setup/shares.csv", opt=permits(Permission.READ_SETUP), sync_to_thread=True)
@of_one_moment
def shares(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    """Who grades what, to be changed in a spreadsheet and pasted back."""
    text = shares_csv(asking(request).store, assignment)
    headers = {"content-disposition": 'attachment; filename="shares.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


@post("/a/{assignment:str}/setup/share", opt=permits(Permission.SET_UP), sync_to_thread=True)
def share(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Changes who grades what, in one of the ways that the page offers."""
    who = asking(request)
    store, grader, step = who.store, form.text("grader"), form.text("step")
    try:
        if step == "draw":
            names = form.text("graders").replace(",", " ").split()
            draw_shares(store, assignment, names, anew=form.text("anew") == "yes", actor=who.name)
        elif step == "section":
            give_section(store, assignment, form.text("section"), grader, actor=who.name)
        elif step == "give":
            students = [line.strip() for line in form.text("students").splitlines() if line.strip()]
            give_share(store, assignment, {grader: students}, "by hand", actor=who.name)
        elif step == "table":
            give_share(store, assignment, _pasted(form.text("table")), "from a table", actor=who.name)
        elif step == "end":
            end_share(store, assignment, grader, actor=who.name)
        else:
            raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


@post("/a/{assignment:str}/setup/dates", opt=permits(Permission.SET_UP), sync_to_thread=True)
def dates(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Sets dates in place of the rubric's; an empty field is what the rubric says."""
    who, zone = asking(request), _zone(request)
    try:
        typed = {key: form.text(key) for key in KEYS}
        changed = {key: moment(text, zone, _NAMES[key]) if text else None for key, text in typed.items()}
        set_dates(who.store, assignment, changed, form.text("reason"), actor=who.name)
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


@post("/a/{assignment:str}/setup/allow", opt=permits(Permission.SET_UP), sync_to_thread=True)
def allow(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Gives students a date of their own or excuses them, or takes that back."""
    who, step, reason = asking(request), form.text("step"), form.text("reason")
    students = [line.strip() for line in form.text("students").splitlines() if line.strip()]
    try:
        if step == "extend":
            until = moment(form.text("until"), _zone(request), "the date")
            section = form.text("section")
            extend(who.store, assignment, students, until, reason, section=section, actor=who.name)
        elif step == "take back":
            take_back(who.store, assignment, students, reason, actor=who.name)
        elif step == "excuse":
            excuse(who.store, assignment, students, reason, actor=who.name)
        elif step == "no excuse":
            take_back_excuse(who.store, assignment, students, reason, actor=who.name)
        else:
            raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


@post("/a/{assignment:str}/setup/keep", opt=permits(Permission.SET_UP), sync_to_thread=True)
def keep(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Says for how many days files are kept; an empty field is for good. Nothing goes by this."""
    typed = {what: form.text(what) for what in KINDS}
    try:
        keep_for(asking(request).store, {what: _days(text) for what, text in typed.items()}, assignment)
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


@post("/a/{assignment:str}/setup/pre-checks", opt=permits(Permission.SET_UP), sync_to_thread=True)
def pre_checks(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Says how many pre-checks students have; an empty number is what holds for the whole course."""
    tells_rest = form.text("tells_rest") == "yes"
    try:
        set_pre_check_rule(asking(request).store, assignment, form.whole("a_day"), tells_rest=tells_rest)
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


@get("/a/{assignment:str}/setup/groups.csv", opt=permits(Permission.READ_SETUP), sync_to_thread=True)
@of_one_moment
def groups_table(request: AnyRequest, assignment: FromPath[str]) -> Response[str]:
    """Who hands in together, to be changed in a spreadsheet and pasted back."""
    text = groups_csv(asking(request).store, assignment)
    headers = {"content-disposition": 'attachment; filename="groups.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


@post("/a/{assignment:str}/setup/groups", opt=permits(Permission.SET_UP), sync_to_thread=True)
def groups(request: AnyRequest, assignment: FromPath[str], form: NamedDependency[Form]) -> Response[Any]:
    """Says who hands in together from the next file on, and whether members know of each other."""
    who, step, name, reason = asking(request), form.text("step"), form.text("group"), form.text("reason")
    try:
        if step == "set":
            students = [line.strip() for line in form.text("students").splitlines() if line.strip()]
            set_groups(who.store, assignment, {name: students}, reason, actor=who.name)
        elif step == "table":
            wanted = _pasted(form.text("table"), "group")
            set_groups(who.store, assignment, wanted, reason or "from a table", actor=who.name)
        elif step == "end":
            end_group(who.store, assignment, name, reason or "ended on the page", actor=who.name)
        elif step == "names":
            show_names(who.store, form.text("shown") == "yes")
        else:
            raise FormError("this form asks for nothing that can be done here", found=step or "nothing")
    except UsageError as error:
        return _setup(request, assignment, said=error.what, typed=form)
    return see_other(address("a", assignment, "setup"))


def _days(text: str) -> int | None:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise FormError("this is no number of days", found=text[:20])
    return int(text) if text else None


def _zone(request: AnyRequest) -> tzinfo:
    """In which dates of this page are typed and shown."""
    return asking(request).store.zone or UTC


def _pasted(text: str, to: str = "ta") -> dict[str, list[str]]:
    """Students by TA, from lines of ``student,ta``; or by what else `to` names."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for student, grader in _rows(text):
        if grader and (student, grader) != ("student", to):
            wanted[grader].append(student)
    return dict(wanted)


def _rows(text: str) -> Iterator[tuple[str, str]]:
    for row in csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ","):
        if any(cell.strip() for cell in row):
            if len(row) != 2 or not row[0].strip():
                raise FormError(
                    "each line has a student and, after a comma, whose they are",
                    expected="s101,ben",
                    found=",".join(row)[:60],
                )
            yield row[0].strip(), row[1].strip()


def _setup(
    request: AnyRequest, assignment: str, *, said: str = "", typed: Form | None = None
) -> Response[str]:
    who, find = asking(request), request.query_params.get("find", "").strip()
    together = who_hands_in_together(who.store, assignment)
    allowed = [
        *(("extension", *each) for each in extensions_of(who.store, assignment).items()),
        *(("excuse", *each) for each in excuses_of(who.store, assignment).items()),
    ]
    if find:
        allowed = [each for each in allowed if _names(find, each[1])]
    groups = [each for each in together.groups if not find or _names(find, each.name, *each.members)]
    return page(
        request,
        "setup.html.j2",
        status=422 if said else 200,
        assignment=assignment,
        sharing=who_grades_what(who.store, assignment),
        dates=dates_view(who.store, assignment),
        names=_NAMES,
        zone=_zone(request),
        find=find,
        allowed=part_of(allowed, page_number(request, "own")),
        groups=part_of(groups, page_number(request, "groups")),
        together=together,
        kept=work_view(
            who.store, assignment, sizes=False, looks=request.query_params.get("would-go") == "yes"
        ),
        pre_checks=pre_check_offer(who.store, who.site.places, assignment),
        graders=_graders(request, who.site.course.name),
        said=said,
        typed=typed.text if typed else lambda name: "",
    )


def _graders(request: AnyRequest, course: str) -> list[str]:
    """Whose accounts grade in the course."""
    return server_of(request).home.store.accounts.logins(course, _GRADING)


def _names(find: str, *texts: str) -> bool:
    return any(find.casefold() in text.casefold() for text in texts)


ROUTES = (setup, shares, share, dates, allow, keep, pre_checks, groups_table, groups)
