"""A class of thirty hands in photos: what is found on each, what becomes of it, and the data set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from grader.errors import UsageError
from grader.grading.marks import Mark
from grader.judging.exhibits import PhotoNote, PhotoNotes, exhibit_of
from grader.judging.judgement import Status
from grader.photos.dataset import SPLITS
from grader.store import Store, open_store
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric
from grader.workflows.photos.anonymize import anonymize, write_card
from grader.workflows.photos.check import Checked, CheckRequest, check_photos
from grader.workflows.photos.collect import Collected, collect
from grader.workflows.photos.collection import Folder
from grader.workflows.photos.consolidate import Consolidated, consolidate
from grader.workflows.photos.decisions import decide, words_for
from grader.workflows.photos.sheets import write_sheets
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_result
from tests.photo_class import NAMES, PhotoClass, number_of, write_class

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
    # A copy beside the hand may well be taken for a background, two takes of a drawn hand for one picture.
    may_be = {"plain-background"} if what == "edited" else {"own-photos"} if TAKES > 1 else set()
    assert set(found) - set(expected) <= may_be
    if "own-photos" not in expected:
        assert {note.about for note in notes(result) if note.for_ta} <= {"own_double"}


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


def test_the_sheet_of_a_copy_leads_a_person_to_the_other_photo(lab: Lab) -> None:
    index = write_sheets(lab.store, lab.checked, lab.folder)
    sheet = (index.parent / f"{lab.photo_class.wrong['copied']}.html").read_text(encoding="utf-8")
    assert f"like G1 of {number_of(29)}" in sheet
    assert sheet.count("data:image/jpeg") == 9 * TAKES
    assert len(list(index.parent.iterdir())) == 31


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


@pytest.fixture(scope="module")
def made(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Consolidated]:
    """The data set: one student's dark photos are accepted, and three students did not agree."""
    store, folder = lab.store, lab.folder
    dark, right = lab.photo_class.wrong["dark"], lab.photo_class.right
    said = dict.fromkeys([f"{letter}{take + 1}" for letter in "BCD" for take in range(TAKES)], "accept")
    decide(store, folder, "lab3a", dark, words_for(",".join(said), ""), actor="ann")
    consent = {each.student: each.student not in right[:3] for each in lab.checked.results}
    shares = {"val": 0.2, "test": 0.2}
    consolidated = consolidate(store, folder, "lab3a", consent, shares=shares, seed=1)
    out = tmp_path_factory.mktemp("data") / "gestures"
    anonymize(folder, out)
    write_card(out)
    return out, consolidated


def test_what_a_person_said_of_photos_is_a_mark_with_its_reason(lab: Lab, made: object) -> None:
    del made
    result = find_result(lab.store, lab.photo_class.wrong["dark"], "lab3a")
    mark = mark_of(result)
    assert mark.points == 10
    decided = [item.decision for item in mark.criteria if item.decision is not None]
    assert [each.by for each in decided] == ["ann"]


def test_only_photos_that_are_good_and_agreed_to_are_in(lab: Lab, made: tuple[Path, Consolidated]) -> None:
    _, consolidated = made
    inside = {each.student for each in consolidated.included}
    wrong = lab.photo_class.wrong
    assert not inside & set(lab.photo_class.right[:3])
    assert not inside & {wrong["bomb"], wrong["no archive"]}
    letters = {(each.student, each.letter) for each in consolidated.included}
    for what in ("blurred", "background", "aside", "edited", "damaged"):
        assert not {(wrong[what], letter) for letter in "BC"} & letters
    # Of the picture that two students handed in nobody knows whose it is.
    assert (wrong["copied"], "G") not in letters
    assert set(consolidated.reasons) >= {
        "no consent",
        "could not be opened",
        "more than of the rarest letter",
    }
    assert {wrong["turned"], wrong["heic"], wrong["nested zip"]} <= inside


def test_nobodys_hand_is_in_two_parts_and_letters_are_balanced(made: tuple[Path, Consolidated]) -> None:
    out, consolidated = made
    people = [{path.name.split("_")[0] for path in (out / split).rglob("*.jpg")} for split in SPLITS]
    assert all(people) and sum(map(len, people)) == len(set().union(*people))
    assert len(set().union(*people)) == len({each.student for each in consolidated.included})
    for split in SPLITS:
        assert len({len(list((out / split / letter).iterdir())) for letter in "ABCDEFGHI"}) == 1


def test_no_byte_of_it_leads_to_a_name(lab: Lab, made: tuple[Path, Consolidated]) -> None:
    out, _ = made
    numbers = [each.student for each in lab.checked.results]
    originals = [photo.sha256 for each in lab.collected.collection.students for photo in each.photos]
    whole = b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files_of(out)).lower()
    assert [name for name in (*NAMES, *numbers, *originals) if name and name.encode() in whole] == []
    for mark in (b"exif", b"photoshop", b"example phones", b"http://ns.adobe.com"):
        assert mark not in whole
    for path in files_of(out):
        if path.suffix == ".jpg":
            with Image.open(path) as image:
                assert (image.size, image.mode, len(image.getexif())) == ((224, 224), "RGB", 0)


def files_of(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file())


def test_codes_of_people_are_drawn_anew_each_time(
    lab: Lab, made: tuple[Path, Consolidated], tmp_path: Path
) -> None:
    out, _ = made
    anonymize(lab.folder, tmp_path / "again")
    digests = [
        {path.read_bytes(): path.name for path in files_of(each) if path.suffix == ".jpg"}
        for each in (out, tmp_path / "again")
    ]
    assert digests[0].keys() == digests[1].keys()
    assert digests[0] != digests[1]


def test_a_data_set_that_was_changed_has_no_card(lab: Lab, tmp_path: Path, made: object) -> None:
    del made
    out = tmp_path / "changed"
    anonymize(lab.folder, out)
    first = next(path for path in files_of(out) if path.suffix == ".jpg")
    first.write_bytes(first.read_bytes() + b"!")
    with pytest.raises(UsageError, match="changed"):
        write_card(out)
    first.unlink()
    with pytest.raises(UsageError, match="missing"):
        write_card(out)


def test_the_card_counts_what_is_there(made: tuple[Path, Consolidated]) -> None:
    out, consolidated = made
    card = (out / "CARD.md").read_text(encoding="utf-8")
    assert f"{len(consolidated.included)} photos" in card
    assert "30 students handed in photos, and 27 agreed" in " ".join(card.split())
    for reason, count in consolidated.reasons.items():
        assert f"- {count}: {reason}" in card


def test_the_reference_net_of_part_b_learns_from_it_what_holds_for_people_not_seen(
    made: tuple[Path, Consolidated],
) -> None:
    out, _ = made
    torch.manual_seed(1)
    (images, letters), (unseen, answers) = (tensors(out / split) for split in ("train", "test"))
    net = nn.Sequential(
        nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 6 * 6, 32), nn.ReLU(), nn.Linear(32, 9),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    for _ in range(60):
        for rows in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[rows]), letters[rows]).backward()
            optimizer.step()
    right = int((net(unseen).argmax(dim=1) == answers).sum())
    # Who guesses has a ninth right; three standard deviations above is no luck.
    chance, count = 1 / 9, len(answers)
    assert right > count * chance + 3 * (count * chance * (1 - chance)) ** 0.5, f"{right} of {count}"


def tensors(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Photos as a net takes them, and their letters' numbers."""
    paths = sorted(folder.rglob("*.jpg"))
    images = [np.asarray(Image.open(path), dtype=np.float32) / 255 - 0.8 for path in paths]
    letters = torch.tensor(["ABCDEFGHI".index(path.parent.name) for path in paths])
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), letters
