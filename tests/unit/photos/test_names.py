import pytest

from grader.photos.names import letter_of_folder, letter_of_name, number_of_name


@pytest.mark.parametrize(
    ("name", "letter", "number"),
    [
        ("1001234567_A_1.jpg", "A", "1001234567"),
        ("x/1001234567_i_3.JPG", "I", "1001234567"),
        ("1001234567-B-2.jpeg", "B", "1001234567"),
        ("C (2).jpg", "C", ""),
        ("D1.jpg", "D", ""),
        ("letter E.png", "E", ""),
        ("1001234567_A_B.jpg", "", "1001234567"),
        ("IMG_4711.jpg", "", ""),
        ("IMG_20221014_123456.jpg", "", ""),
        ("DSC00012.JPG", "", ""),
        ("hand.jpg", "", ""),
    ],
)
def test_what_a_name_says(name: str, letter: str, number: str) -> None:
    assert letter_of_name(name) == letter
    assert number_of_name(name) == number


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("A/IMG_1.jpg", "A"),
        ("photos/b/IMG_1.jpg", "B"),
        ("Letter C/IMG_1.jpg", "C"),
        ("all/D.zip/IMG_1.jpg", "D"),
        ("E/again/IMG_1.jpg", "E"),
        ("photos/IMG_1.jpg", ""),
        ("A_1.jpg", ""),
    ],
)
def test_what_a_folder_says(name: str, letter: str) -> None:
    assert letter_of_folder(name) == letter
