from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.workflows.regrading.reference import bundled, load_reference


def package(folder: Path, text: str = "FUNCTIONS = {}\nARCHITECTURES = {}\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(text)
    return folder


def test_the_bundled_reference_computes() -> None:
    reference = load_reference(bundled("reference"))
    assert reference.functions["sum_of_cubes"](3) == 36
    assert "small_net" in reference.architectures
    assert len(reference.digest) == 64


def test_modules_of_the_package_are_imported_by_relative_names(tmp_path: Path) -> None:
    folder = package(
        tmp_path / "reference", "from .answers import one\nFUNCTIONS = {'one': one}\nARCHITECTURES = {}\n"
    )
    (folder / "answers.py").write_text("def one():\n    return 1\n")
    assert load_reference(folder).functions["one"]() == 1


def test_the_digest_follows_any_change_in_the_sources(tmp_path: Path) -> None:
    folder = package(tmp_path / "reference")
    digests = {load_reference(folder).digest}
    (folder / "more.py").write_text("x = 1")
    digests.add(load_reference(folder).digest)
    (folder / "more.py").write_text("x = 2")
    digests.add(load_reference(folder).digest)
    (folder / "more.py").rename(folder / "moved.py")
    digests.add(load_reference(folder).digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FUNCTIONS = {}", "ARCHITECTURES"),
        ("FUNCTIONS = []\nARCHITECTURES = {}", "FUNCTIONS"),
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_package_that_cannot_serve_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_reference(package(tmp_path / "reference", text))
    assert said in str(raised.value)


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_reference(tmp_path)
