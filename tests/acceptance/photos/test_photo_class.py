"""A class of thirty hands in photos: what is found on each, and what becomes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.grading.marks import Mark
from grader.judging.exhibits import PhotoNote, PhotoNotes, exhibit_of
from grader.judging.judgement import Status
from grader.store import Store, open_store
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric
from grader.workflows.photos.check import Checked, CheckRequest, check_photos
from grader.workflows.photos.collect import Collected, collect
from grader.workflows.photos.collection import Folder
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.photo_class import PhotoClass, write_class

ROOT = Path(__file__).parents[3]

#: All takes and photos as large as a phone's, where there is time for it.
SOAK = os.environ.get("GRADER_SOAK") == "1"
TAKES = 3 if SOAK else 1
BIG_MB = 200 if SOAK else 8

CERTAIN = {"all-letters", "size", "names"}

#: By what is wrong with what a student handed in: criteria that are not PASS, and what is noted on photos.
DESERVED: dict[str, tuple[dict[str, Status], set[str]]] = {
    "wrong size": ({"size": Status.PARTIAL}, {"size"}),
    "blurred": ({"sharp-and-lit": Status.NEEDS_TA}, {"blurred"}),
    "dark": ({"sharp-and-lit": Status.NEEDS_TA}, {"dark"}),
    "background": ({"plain-background": Status.NEEDS_TA}, {"background"}),
    "aside": ({"plain-background": Status.NEEDS_TA}, {"hand"}),
    "edited": ({"own-photos": Status.NEEDS_TA}, {"edited"}),
    "turned": ({}, set()),
    "heic": ({"size": Status.PARTIAL}, {"kind"}),
    "folders": ({"names": Status.FAIL}, {"name"}),
    "double": ({"all-letters": Status.PARTIAL, "own-photos": Status.NEEDS_TA}, {"double", "own_double"}),
    "copied": ({"own-photos": Status.NEEDS_TA}, {"another_double"}),
    "nested zip": ({}, set()),
    "big zip": ({"size": Status.FAIL}, {"size"}),
}
ALL = {"all-letters", "size", "names", "sharp-and-lit", "plain-background", "own-photos"}


@dataclass(frozen=True)
class Lab:
    """The class, and all that was made of what it handed in."""

    photo_class: PhotoClass
    collected: Collected
    folder: Folder
    rubric: LoadedRubric
    store: Store
    checked: Checked

    def result(self, what: str) -> Result:
        number = self.photo_class.wrong[what]
        return next(each for each in self.checked.results if each.student == number)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("photos")
    photo_class = write_class(root / "submissions", takes=TAKES, big_mb=BIG_MB)
    text = (ROOT / "rubrics" / "lab3a.yaml").read_text(encoding="utf-8")
    path = root / "lab3a.yaml"
    path.write_text(text.replace("each: 3", f"each: {TAKES}").replace("of: 27", f"of: {9 * TAKES}"))
    rubric, folder = load_rubric_file(path), Folder(root / "photos")
    collected = collect(photo_class.folder, folder.root)
    with open_store(str(root / "grader.db")) as store:
        checked = check_photos(CheckRequest(folder, rubric, "ann"), store)
        yield Lab(photo_class, collected, folder, rubric, store, checked)


def mark_of(result: Result) -> Mark:
    assert result.mark is not None
    return result.mark


def notes(result: Result) -> list[PhotoNote]:
    found = [exhibit_of(item.finding.exhibits, PhotoNotes) for item in mark_of(result).criteria]
    return [note for each in found if each is not None for note in each.notes]


def statuses(result: Result) -> dict[str, Status]:
    return {item.criterion: item.finding.status for item in mark_of(result).criteria}


def test_every_student_is_found(lab: Lab) -> None:
    assert len(lab.checked.results) == 30
    assert set(lab.photo_class.wrong.values()) < {each.student for each in lab.checked.results}


def test_right_photos_have_all_points_without_a_person(lab: Lab) -> None:
    # Somebody's photos were copied by another student, and nobody knows by whom.
    right = [each for each in lab.checked.results if each.student in lab.photo_class.right]
    copied = [each for each in right if notes(each)]
    assert len(right) == 13
    assert [{note.about for note in notes(each)} for each in copied] == [{"another_double"}]
    assert [mark_of(each).points for each in right if each not in copied] == [10.0] * 12


@pytest.mark.parametrize("what", sorted(DESERVED))
def test_what_is_wrong_gets_the_findings_that_it_deserves(lab: Lab, what: str) -> None:
    result = lab.result(what)
    expected, about = DESERVED[what]
    found = {name: status for name, status in statuses(result).items() if status is not Status.PASS}
    assert {name: found.get(name) for name in expected} == expected
    assert about <= {note.about for note in notes(result)}
    if what != "edited":  # a copy beside the hand may well be taken for a background
        assert found == expected


def test_what_is_only_noticed_costs_nothing_and_what_is_certain_does(lab: Lab) -> None:
    for what, (expected, _) in DESERVED.items():
        mark = mark_of(lab.result(what))
        lost = {item.criterion for item in mark.criteria if item.lost > 0}
        assert lost == {name for name in expected if name in CERTAIN}, what


def test_each_odd_photo_is_a_share_of_what_waits(lab: Lab) -> None:
    mark = mark_of(lab.result("blurred"))
    (item,) = [item for item in mark.criteria if item.criterion == "sharp-and-lit"]
    assert (item.points, item.pending) == (pytest.approx(0.67, abs=0.01), pytest.approx(0.33, abs=0.01))


@pytest.mark.parametrize(("what", "letters"), [("missing", "HI"), ("damaged", "BC")])
def test_what_is_not_there_or_cannot_be_opened_costs_its_share_of_everything(
    lab: Lab, what: str, letters: str
) -> None:
    result = lab.result(what)
    assert statuses(result) == dict.fromkeys(ALL, Status.PARTIAL)
    assert mark_of(result).pending == 0
    message = next(
        item for item in mark_of(result).criteria if item.criterion == "all-letters"
    ).finding.message
    assert all(f"{letter} has 0" in message for letter in letters)


def test_a_bomb_and_what_is_no_archive_wait_for_a_person(lab: Lab) -> None:
    bomb, broken = lab.result("bomb"), lab.result("no archive")
    assert mark_of(bomb).points == 0
    assert statuses(bomb)["all-letters"] is Status.NEEDS_TA
    assert mark_of(broken).held
    assert mark_of(broken).pending == 10


def test_a_copy_is_seen_on_both_sides_and_nobody_is_named(lab: Lab) -> None:
    copied = lab.result("copied")
    (note, *_) = [note for note in notes(copied) if note.about == "another_double"]
    assert "mirrored" in note.text
    assert note.for_ta
    assert not any(name in note.text for name in (each.student for each in lab.checked.results))


def test_checked_again_nothing_is_new(lab: Lab) -> None:
    again = check_photos(CheckRequest(lab.folder, lab.rubric, "ann"), lab.store)
    assert [each.attempt.number for each in again.results if each.attempt] == [1] * 30
    with lab.store.reading() as history:
        assert history.first_break() is None


def test_the_history_holds_no_pictures(lab: Lab) -> None:
    originals = {path.name for path in (lab.folder.root / "as-handed-in").rglob("*") if path.is_file()}
    blobs = {path.name for path in lab.store.blobs.root.rglob("*") if path.is_file()}
    assert originals and blobs
    assert not originals & blobs
