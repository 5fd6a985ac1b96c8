"""What the checks of photos say: what is certain costs, what is only noticed waits, what is unknown too."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.photos.photo_count import PhotoCount
from grader.checks.photos.photo_form import PhotoForm
from grader.checks.photos.photo_hints import PhotoHints
from grader.evidence.photos import Alike, Photo, PhotoSet
from grader.judging.check import Check
from grader.judging.exhibits import PhotoNotes
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import photo

COUNT = PhotoCount(letters="AB", each=2)
SIZE = PhotoForm(width=224, height=224, formats=("JPEG",), mode="RGB", of=4)
NAMES = PhotoForm(named=r"\d{6,12}_[AB]_[12]\.jpg", of=4)
LIGHT = PhotoHints(look_for=("blurred", "dark", "bright"), of=4)
OWN = PhotoHints(look_for=("own_double", "another_double", "known", "edited"), of=4, together=True)


def four() -> list[Photo]:
    return [photo(f"1001234567_{letter}_{take}.jpg") for letter in "AB" for take in (1, 2)]


def judge(check: Check, photos: list[Photo], **more: Any) -> Judgement:
    given = factories.evidence(photos=PhotoSet(photos=tuple(photos), **more))
    return check.judge(factories.case(check, given))


def about(judgement: Judgement) -> set[str]:
    return {note.about for note in factories.shown(judgement, PhotoNotes).notes}


@pytest.mark.parametrize("check", [COUNT, SIZE, NAMES, LIGHT, OWN])
def test_right_photos_pass_everything(check: Check) -> None:
    judged = judge(check, four())
    assert judged.status is Status.PASS
    assert about(judged) == set()


@pytest.mark.parametrize("check", [COUNT, SIZE, NAMES, LIGHT, OWN])
def test_a_notebook_has_no_photos(check: Check) -> None:
    assert check.judge(factories.case(check, factories.evidence())).status is Status.MISSING_EVIDENCE


@pytest.mark.parametrize("check", [COUNT, SIZE, NAMES, LIGHT, OWN])
def test_a_photo_that_is_not_there_costs_its_share_where_all_was_seen(check: Check) -> None:
    judged = judge(check, four()[:3])
    assert (judged.status, judged.share) == (Status.PARTIAL, 0.75)
    unseen = judge(check, four()[:3], cut=True)
    assert unseen.status is Status.NEEDS_TA
    assert unseen.open_share + unseen.share == pytest.approx(1.0)


@pytest.mark.parametrize("check", [COUNT, SIZE, NAMES, LIGHT, OWN])
def test_a_photo_that_we_did_not_open_waits(check: Check) -> None:
    photos = [*four()[:3], photo("1001234567_B_2.jpg", state="not_read", why="it took more than 90 seconds")]
    judged = judge(check, photos)
    assert judged.status is Status.NEEDS_TA
    assert judged.share + judged.open_share == pytest.approx(1.0)


@pytest.mark.parametrize("check", [COUNT, SIZE, NAMES, LIGHT, OWN])
def test_a_photo_that_cannot_be_opened_is_none(check: Check) -> None:
    photos = [*four()[:3], photo("1001234567_B_2.jpg", state="unreadable", why="image file is truncated")]
    judged = judge(check, photos)
    assert (judged.status, judged.share) == (Status.PARTIAL, 0.75)


@pytest.mark.parametrize("check", [COUNT, SIZE, LIGHT, OWN])
def test_nothing_but_what_cannot_be_opened_fails(check: Check) -> None:
    broken = [photo(f"{name}.jpg", state="unreadable", why="no picture") for name in "AB"]
    judged = judge(check, broken)
    assert (judged.status, judged.share) == (Status.FAIL, 0.0)


def test_the_same_picture_twice_is_one() -> None:
    photos = [*four()[:3], photo("1001234567_B_2.jpg", pixels="1001234567_B_1.jpg")]
    judged = judge(COUNT, photos)
    assert judged.share == 0.75
    assert about(judged) == {"double"}
    assert "pixel by pixel" in judged.message


def test_letters_come_from_folders_too_and_more_than_asked_for_costs_nothing() -> None:
    photos = [photo(f"{letter}/IMG_{take}.jpg") for letter in "AB" for take in (1, 2, 3)]
    assert judge(COUNT, photos).status is Status.PASS


def test_a_photo_without_a_letter_may_be_one_that_is_missing() -> None:
    judged = judge(COUNT, [*four()[:3], photo("hand.jpg")])
    assert (judged.status, judged.share, judged.open_share) == (Status.NEEDS_TA, 0.75, 0.25)
    assert "letter" in about(judged)
    assert judge(COUNT, [*four(), photo("hand.jpg")]).status is Status.PASS


def test_a_name_and_a_folder_that_say_different_letters_are_nobodys_fault() -> None:
    judged = judge(COUNT, [*four()[:3], photo("B/1001234567_A_2.jpg")])
    assert judged.status is Status.NEEDS_TA


@pytest.mark.parametrize(
    ("more", "what"),
    [({"width": 209}, "size"), ({"format": "HEIF"}, "kind"), ({"mode": "L"}, "colours")],
)
def test_each_part_of_the_form_is_looked_at(more: dict[str, Any], what: str) -> None:
    judged = judge(SIZE, [*four()[:3], photo("1001234567_B_2.jpg", **more)])
    assert (judged.status, judged.share) == (Status.PARTIAL, 0.75)
    assert about(judged) == {what}


def test_a_size_may_be_a_little_off_where_the_course_says_so() -> None:
    narrow = [photo(f"{n}_A.jpg", width=209) for n in range(4)]
    lenient = SIZE.model_copy(update={"tolerance": 21})
    assert judge(lenient, narrow).status is Status.PASS
    assert judge(SIZE, narrow).status is Status.FAIL


def test_a_form_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="give width"):
        PhotoForm(of=27)


def test_hints_wait_photo_by_photo_and_never_cost() -> None:
    judged = judge(LIGHT, [*four()[:3], photo("1001234567_B_2.jpg", looks={"sharpness": 0.1})])
    assert (judged.status, judged.share, judged.open_share) == (Status.NEEDS_TA, 0.75, 0.25)
    assert about(judged) == {"blurred"}


def test_where_points_stand_together_one_hint_holds_them_all() -> None:
    copied = Alike(how="shows", whose="another", picture="0123456789abcdef")
    judged = judge(OWN, [*four()[:3], photo("1001234567_B_2.jpg", alike=(copied,))])
    assert (judged.status, judged.share, judged.open_share) == (Status.NEEDS_TA, 0.0, 1.0)


@pytest.mark.parametrize("whose", ["own", "another", "known"])
def test_what_students_read_names_no_suspicion(whose: str) -> None:
    alike = Alike(how="shows", whose=whose, picture="0123456789abcdef")
    edited = {"editing": {"software": "Adobe Photoshop"}}
    judged = judge(OWN, [*four()[:3], photo("1001234567_B_2.jpg", alike=(alike,), looks=edited)])
    said = f"{judged.message} {judged.open}".lower()
    assert not any(word in said for word in ("copied", "another student", "photoshop", "edited", "plagiar"))
    assert all(note.for_ta for note in factories.shown(judged, PhotoNotes).notes)


def test_another_number_in_a_name_is_for_a_person() -> None:
    judged = judge(OWN, [*four()[:3], photo("1007654321_B_2.jpg")])
    assert about(judged) == {"another_double"}


def test_what_the_course_sets_is_where_a_hint_begins() -> None:
    blurred = [*four()[:3], photo("1001234567_B_2.jpg", looks={"sharpness": 0.3})]
    assert judge(LIGHT, blurred).status is Status.NEEDS_TA
    assert judge(LIGHT.model_copy(update={"sharpness": 0.25}), blurred).status is Status.PASS


@pytest.mark.parametrize("measure", [{"error_levels": 9.0}, {"cloned": 0.2}])
def test_a_blurred_photo_has_no_noise_that_could_show_editing(measure: dict[str, float]) -> None:
    sharp = judge(OWN, [*four()[:3], photo("1001234567_B_2.jpg", looks={"editing": measure})])
    blurred = photo("1001234567_B_2.jpg", looks={"editing": measure, "sharpness": 0.01})
    assert (sharp.status, judge(OWN, [*four()[:3], blurred]).status) == (Status.NEEDS_TA, Status.PASS)
