from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.workflows.upkeep.settings import Settings, read_settings


def toml(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grader.toml").write_text(text)
    return folder


def test_the_nearer_source_wins(tmp_path: Path) -> None:
    here = toml(tmp_path, 'jobs = 2\nsandbox = "docker"\ntraining = "full"')
    settings = read_settings(
        {"jobs": 8, "sandbox": None},
        environ={"GRADER_JOBS": "4", "GRADER_SANDBOX": "bubblewrap"},
        places=[here],
    )
    assert (settings.jobs, settings.sandbox, settings.training) == (8, "bubblewrap", "full")
    assert settings.isolation == Settings().isolation


def test_the_first_file_found_is_read(tmp_path: Path) -> None:
    places = [tmp_path / "none", toml(tmp_path / "a", "jobs = 1"), toml(tmp_path / "b", "jobs = 2")]
    assert read_settings({}, environ={}, places=places).jobs == 1


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ('data = "sets"', "data", "course/sets"),
        ('db = "marks.db"', "db", "course/marks.db"),
        ('db = "postgresql://host/marks"', "db", "postgresql://host/marks"),
        ('rubric = "rubrics/lab2.yaml"', "rubric", "course/rubrics/lab2.yaml"),
        ('rubric = "lab2"', "rubric", "lab2"),
        ('data = "/sets"', "data", "/sets"),
    ],
)
def test_paths_in_a_file_are_meant_from_the_file(tmp_path: Path, line: str, key: str, expected: str) -> None:
    course = toml(tmp_path / "course", line)
    found = str(getattr(read_settings({}, environ={}, places=[course]), key))
    assert found == (str(tmp_path / expected) if expected.startswith("course/") else expected)


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_every_option_can_be_set_in_the_environment(key: str) -> None:
    chosen = {
        "jobs": "3", "sandbox": "docker", "isolation": "container", "training": "full", "fresh": "true",
        "busy_timeout_s": "1.5", "lease_s": "45.0",
    }.get(key, "text")  # fmt: skip
    settings = read_settings({}, environ={f"GRADER_{key.upper()}": chosen})
    assert str(getattr(settings, key)).lower() == chosen


@pytest.mark.parametrize(
    ("given", "environ", "where"),
    [({"jobs": "x"}, {}, "--jobs"), ({}, {"GRADER_JOBS": "x"}, "GRADER_JOBS")],
)
def test_a_bad_value_is_named_with_its_source(
    given: dict[str, str], environ: dict[str, str], where: str
) -> None:
    with pytest.raises(UsageError) as raised:
        read_settings(given, environ=environ)
    assert raised.value.where == where


def test_a_file_that_could_be_a_students_names_no_python_to_run(tmp_path: Path) -> None:
    here = toml(tmp_path, 'reference = "mine"')
    with pytest.raises(UsageError, match="could be a student's"):
        read_settings({}, environ={}, places=[here], no_code_from=[here])
    own = read_settings({"reference": "ours"}, environ={}, places=[here], no_code_from=[here])
    assert str(own.reference) == "ours"
