from hypothesis import given
from hypothesis import strategies as st

from grader.intake.identity import look_alikes, normalise_id

names = st.text(max_size=300)


@given(names)
def test_normalising_twice_changes_nothing_more(name):
    once = normalise_id(name)
    assert normalise_id(once) == once


@given(names)
def test_an_id_can_be_stored_and_shown(name):
    shown = normalise_id(name)
    assert len(shown.encode()) <= 4 * 200
    assert shown.isprintable() or " " in shown or not shown.isascii()


def test_compatibility_forms_are_one_id():
    assert normalise_id(" ｓ１０１ ") == "s101"


def test_overlong_names_stay_distinct():
    assert normalise_id("a" * 300) != normalise_id("a" * 301)


def test_case_digits_and_foreign_letters_look_alike():
    assert look_alikes(["Bob1", "bobl", "вob1", "alice"]) == [("Bob1", "bobl", "вob1")]


def test_different_ids_do_not_look_alike():
    assert look_alikes(["s101", "s102", "s110"]) == []
