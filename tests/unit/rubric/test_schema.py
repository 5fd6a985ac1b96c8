"""The JSON Schema that editors get agrees with the loader."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.rubric.schema import json_schema

RUBRICS = sorted((Path(__file__).parents[3] / "rubrics").glob("*.yaml"))


@pytest.fixture(scope="session")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema(registry())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", RUBRICS, ids=lambda path: path.stem)
def test_every_bundled_rubric_fits_the_schema(path: Path, validator: jsonschema.Draft202012Validator):
    rubric = YAML(typ="safe").load(path)
    assert [error.message for error in validator.iter_errors(rubric)] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rubric: rubric["criteria"][0].update(pionts=1),
        lambda rubric: rubric["criteria"][0].update(check="nonsense"),
        lambda rubric: rubric["criteria"][0].pop("title"),
        lambda rubric: rubric.update(digest="x"),
        lambda rubric: rubric.pop("total"),
    ],
)
def test_a_mistake_does_not_fit(change, validator: jsonschema.Draft202012Validator):
    rubric = YAML(typ="safe").load(RUBRICS[0])
    change(rubric)
    assert not validator.is_valid(rubric)


def test_each_kind_of_check_is_described():
    definitions = json_schema(registry())["$defs"]
    for word, kind in registry().items():
        assert definitions[f"criterion:{word}"]["description"] == kind.__doc__
