"""The documentation page of the checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.rubric.page import checks_page

DOCS = Path(__file__).parents[3] / "docs"
SNIPPETS = {path.stem: YAML(typ="safe").load(path) for path in (DOCS / "snippets").iterdir()}


def test_the_page_in_the_documentation_is_that_of_the_checks_as_they_are():
    written = (DOCS / "checks.md").read_text(encoding="utf-8")
    assert written == checks_page(registry(), SNIPPETS), (
        "write it again: python -m grader.checks > docs/checks.md"
    )


@pytest.mark.parametrize("word", sorted(registry()))
def test_every_check_has_a_section_with_its_keys_and_its_examples(word: str):
    page = checks_page(registry(), SNIPPETS)
    section = page.split(f"\n## {word}\n", 1)[1].split("\n## ", 1)[0]
    kind = registry()[word]
    assert kind.example.strip() in section
    for shown in (SNIPPETS[word]["good"], SNIPPETS[word]["bad"]):
        assert shown["photos" if "photos" in shown else "code"].strip() in section
    assert all(f"| `{name}` |" in section for name in kind.model_fields if name != "check")
