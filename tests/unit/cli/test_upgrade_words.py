"""What `grader db upgrade` says: how far a schema is, not numbers that do not follow its order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from grader.cli import execute
from grader.store import schema


@pytest.mark.parametrize("before", [schema.REVISIONS[0], *schema.REVISIONS[-3:-1]])
def test_an_upgrade_tells_how_many_steps_it_took_and_always_goes_up(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        schema.migrate(connection, before)
    engine.dispose()
    assert execute(["db", "upgrade", "--db", str(tmp_path / "old.db")]) == 0
    said = re.search(
        r"(\d+) steps?: schema (\d+) \((\w+)\) -> schema (\d+) \((\w+)\)", capsys.readouterr().out
    )
    assert said is not None
    steps, old, named, new, newest = said.groups()
    assert int(old) + int(steps) == int(new) == len(schema.REVISIONS)
    assert (named, newest) == (before, schema.REVISIONS[-1])
    assert execute(["db", "upgrade", "--db", str(tmp_path / "old.db")]) == 0
    assert f"schema {new} ({newest}), nothing to do" in capsys.readouterr().out
