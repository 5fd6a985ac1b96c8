"""`grader report --for`: reports as a course system takes them, or as mails; who is left out is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.files.named import write_bytes
from grader.files.zipped import whole_zip
from grader.intake.roster import Roster
from grader.intake.sent_back import SYSTEMS, place_for
from grader.reporting.letter import letter, mail_address
from grader.store import Store
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.workflows.releasing.shown import release_on, released_works, requests_shown
from grader.workflows.views.identity import real_names
from grader.workflows.views.people import find_person, shown_name
from grader.workflows.views.report import NotWritten, Rendered, file_name, rendered_reports
from grader.workflows.views.show import find_results

__all__ = ["FORMS", "Back", "Sent", "send_back"]

#: What `--for` takes.
FORMS = (*SYSTEMS, "mail")

_NO_NAME = "what was handed in does not carry {system}'s name for it, so {system} would not know whose it is"


@dataclass(frozen=True)
class Back:
    """What is to go back, and in what form.

    Attributes:
        form: One of `FORMS`.
        out: A zip archive; for mails a folder.
        unreleased: Marks as they stand, and not as they were released.
        sender: Who sends the mails; empty leaves it open.
    """

    form: str
    assignment: str
    out: Path
    students: tuple[str, ...] = ()
    unreleased: bool = False
    appendix: bool = True
    contact: str = ""
    sender: str = ""


@dataclass(frozen=True)
class Sent:
    """What was written.

    Attributes:
        count: Students whose feedback is in it.
        left_out: Everybody else, each with the reason.
        pending: Who is in it though points of theirs still wait.
        outdated: Reports without reference answers, since these are others by now.
    """

    count: int
    left_out: tuple[NotWritten, ...]
    pending: tuple[str, ...]
    outdated: int = 0


def send_back(store: Store, back: Back, reference: Reference, roster: Roster | None) -> Sent:
    """Writes the archive, or the mails.

    Raises:
        UsageError: There is no such form, nothing was released, an address is none, or the place cannot be
            written.
    """
    if back.form not in FORMS:
        raise UsageError("feedback has no such form", expected=", ".join(FORMS), found=back.form)
    results, requests, absent = _works(store, back)
    left_out, pending, outdated, count = list(absent), [], 0, 0
    made = rendered_reports(
        store,
        results,
        reference=reference,
        appendix=back.appendix,
        roster=roster,
        contact=back.contact,
        requests=requests,
    )
    with _place(store, back, roster) as put:
        for item in made:
            why = item.why if isinstance(item, NotWritten) else put(item)
            if why or isinstance(item, NotWritten):
                left_out.append(NotWritten(item.student, why))
                continue
            count += 1
            outdated += item.outdated
            pending += [item.student] if item.result.mark and item.result.mark.pending else []
    return Sent(count, tuple(left_out), tuple(pending), outdated)


def _works(
    store: Store, back: Back
) -> tuple[Sequence[Result], Callable[[str], Sequence[Remark]] | None, list[NotWritten]]:
    """Whose, with the requests that they may read, and who is not among them."""
    live = find_results(store, back.assignment, back.students)
    if back.unreleased:
        return live, None, []
    with store.reading() as history:
        release = release_on(history.releases(back.assignment))
        if release is None:
            raise UsageError(
                f"no marks of {back.assignment} are released to students",
                todo=f"`grader release now --assignment {back.assignment}`, or --unreleased: as they stand",
            )
        then = released_works(history, release, real_names(history, back.assignment, back.students))
    results = [then[each.student] for each in live if each.student in then and not then[each.student].dropped]
    shown = {result.student for result in results}
    absent = [
        NotWritten(each.student, "not in the release that stands")
        for each in live
        if each.student not in shown
    ]

    def requests(student: str) -> Sequence[Remark]:
        with store.reading() as history:
            return requests_shown(history, back.assignment, student)

    return results, requests, absent


#: Puts a report to the others; says why it cannot.
Put = Callable[[Rendered], str]


@contextmanager
def _place(store: Store, back: Back, roster: Roster | None) -> Iterator[Put]:
    if back.form == "mail":
        yield _mails(store, back, roster)
        return
    taken: set[str] = set()
    with whole_zip(back.out) as add:

        def put(made: Rendered) -> str:
            path = PurePath(made.result.submission.path)
            place = place_for(back.form, made.student, path, _name(back))
            if place is None:
                return _NO_NAME.format(system=back.form)
            if place in taken:
                return "another student's feedback has the same place"
            taken.add(place)
            add(place, made.page.encode("utf-8", "replace"))
            return ""

        yield put


def _mails(store: Store, back: Back, roster: Roster | None) -> Put:
    sender = mail_address(back.sender)
    if back.sender and sender is None:
        raise UsageError("this is no address to send from", where="--mail-from", found=back.sender)
    taken: set[str] = set()

    def put(made: Rendered) -> str:
        entry = find_person(roster, made.result)
        to = mail_address(entry.email, shown_name(roster, made.result)) if entry and entry.email else None
        if to is None:
            return (
                "the roster has no address of theirs"
                if not (entry and entry.email)
                else "their address is none"
            )
        raw = letter(to, sender, made.title, made.page, _name(back), contact=back.contact, at=store.clock())
        write_bytes(back.out / file_name(made.student, taken, ".eml"), raw)
        return ""

    return put


def _name(back: Back) -> str:
    """The same for everybody, and other than what was handed in: Moodle passes over unchanged files."""
    return f"{back.assignment}-feedback.html"
