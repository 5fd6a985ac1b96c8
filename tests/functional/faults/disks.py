"""Disks that are full, evidence that is damaged or out of reach, clocks that are wrong."""

from __future__ import annotations

import hashlib

from tests.functional.faults.lab import HELD_BY_A_TA, NOT_DONE, Lab

__all__ = [
    "clock_set_back",
    "clocks_apart",
    "evidence_damaged",
    "evidence_gone",
    "full_for_a_backup",
    "full_for_evidence",
    "full_for_reports",
    "full_for_the_database",
]

_YEARS_S = 2 * 365 * 86_400


def full_for_the_database(lab: Lab) -> None:
    with lab.small_disk() as disk:
        lab.database = str(disk.place / "grader.db")
        run = lab.grade(at="Answer", count=2, then="hold").until_held()
        disk.fill()
        lab.go_on()
        assert "disk is full" in run.ends_with(NOT_DONE).said
        disk.make_room()
        lab.finish()
        lab.check()


def full_for_evidence(lab: Lab) -> None:
    with lab.small_disk() as disk:
        lab.evidence = disk.place / "evidence"
        run = lab.grade(at="Answer", count=2, then="hold").until_held()
        disk.fill()
        lab.go_on()
        assert "evidence cannot be stored" in run.ends_with(NOT_DONE).said
        disk.make_room()
        lab.finish()
        lab.check()


def full_for_reports(lab: Lab) -> None:
    lab.finish()
    with lab.small_disk() as disk:
        out = disk.place / "reports"
        report = ("report", "-a", "mini", "--out", str(out))
        run = lab.start(*report, at="Report", count=2, then="hold").until_held()
        disk.fill()
        lab.go_on()
        assert "cannot be written" in run.ends_with(NOT_DONE).said
        assert [path.name for path in out.iterdir()] == ["s1.html"]
        disk.make_room()
        lab.start(*report).ends_with(0)
        assert sorted(path.name for path in out.iterdir()) == [f"s{number}.html" for number in range(1, 6)]
        assert all(path.read_text().rstrip().endswith("</html>") for path in out.iterdir())


def full_for_a_backup(lab: Lab) -> None:
    lab.finish()
    with lab.small_disk() as disk:
        backup = ("db", "backup", str(disk.place / "marks.backup"))
        disk.fill()
        lab.start(*backup).ends_with(NOT_DONE)
        assert [path.name for path in disk.place.iterdir()] == ["ballast"]
        disk.make_room()
        lab.start(*backup).ends_with(0)


def evidence_damaged(lab: Lab) -> None:
    """A notebook among the evidence is overwritten after it was queued: it is taken from where it came."""
    run = lab.grade(at="Answer", then="hold").until_held()
    digest = hashlib.sha256((lab.submissions / "s5" / "lab.ipynb").read_bytes()).hexdigest()
    with lab.store() as store:
        store.blobs.path_of(digest).write_bytes(b"damaged")
    lab.go_on()
    run.ends_with(HELD_BY_A_TA)


def evidence_gone(lab: Lab) -> None:
    """The disk with the evidence is not mounted when the next run begins, and then it is."""
    lab.grade(at="Answer", count=2).is_killed()
    aside = lab.evidence.rename(lab.folder / "aside")
    assert "cannot be reached" in lab.grade().ends_with(NOT_DONE).said
    aside.rename(lab.evidence)
    lab.finish()


def clock_set_back(lab: Lab) -> None:
    """By two years, after a run was killed in the middle."""
    lab.grade(at="Attempt", count=2).is_killed()
    lab.grade(clock_s=-_YEARS_S).ends_with(HELD_BY_A_TA)


def clocks_apart(lab: Lab) -> None:
    """Two runs at once, one clock two years before, one behind."""
    both = [lab.grade(at="Answer", then="hold", clock_s=wrong) for wrong in (-_YEARS_S, _YEARS_S)]
    for run in both:
        run.until_held()
    lab.go_on()
    for run in both:
        run.ends_with(HELD_BY_A_TA)
