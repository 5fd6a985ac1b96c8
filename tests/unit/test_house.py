"""Rules that hold for every module and document, so that nobody has to remember them."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import grader
import reference

ROOT = Path(__file__).resolve().parents[2]

#: All modules but database migrations, which Alembic runs and nobody imports.
MODULES = sorted(
    path
    for package in (grader, reference)
    for path in Path(package.__file__).parent.rglob("*.py")
    if "migrations" not in path.parts
)


def names(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def assigned(tree):
    """Public names that a module defines itself: functions, classes and constants at its top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def exported(tree):
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_a_module_with_public_names_lists_them_once(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = {name for name in assigned(tree) if not name.startswith("_")}
    listed = exported(tree)
    if listed is None:
        assert not public, f"{names(path)} has no __all__ but defines {sorted(public)}"
        return
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_what_a_module_lists_is_there(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert set(exported(tree) or ()) <= imported | set(assigned(tree))


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_every_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body


@pytest.mark.parametrize(
    "path", [path for path in MODULES if "collector" not in path.parts and path.stem != "__main__"], ids=names
)
def test_every_module_on_this_side_of_the_wall_imports(path):
    module = importlib.import_module(names(path).removesuffix(".__init__"))
    assert all(hasattr(module, name) for name in exported(ast.parse(path.read_text())) or ())


def test_only_facts_know():
    """A check that could make a fact of its own could make a guess one."""
    makers = [
        f"{names(path)}:{node.lineno}"
        for path in MODULES
        if "facts" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Known"
    ]
    assert makers == []


def test_no_private_name_crosses_rooms():
    crossing = [
        f"{names(path)} takes {alias.name} from {node.module}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grader")
        for alias in node.names
        if alias.name.startswith("_") or any(part.startswith("_") for part in (node.module or "").split("."))
    ]
    assert crossing == []


def commands(app, prefix=""):
    """Names of all commands, groups followed down."""
    for command in app.registered_commands:
        yield prefix + (command.name or command.callback.__name__.replace("_", "-"))
    for group in app.registered_groups:
        inner = group.typer_instance
        name = group.name or inner.info.name
        yield from commands(inner, f"{prefix}{name} ")


def test_every_command_is_in_the_readme():
    from grader.cli.app import app

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in commands(app) if f"grader {name.split()[0]}" not in text]
    assert missing == []


def test_every_kind_of_check_is_documented_with_its_example():
    from grader.checks import registry

    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    for name, check in registry().items():
        assert f"## {name}\n" in text
        assert check.example.strip() in text


def test_every_rule_for_remark_requests_is_documented():
    from grader.rubric.model import Policy

    text = (ROOT / "docs" / "remarks.md").read_text(encoding="utf-8")
    assert [key for key in Policy.model_fields if f"\n  {key}: " not in text] == []


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    notes = sorted(path.name for path in folder.glob("0*.md"))
    assert notes == re.findall(r"\((0\d+-[\w-]+\.md)\)", index)


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "docs"])
def test_links_between_documents_lead_somewhere(document):
    path = ROOT / document
    for page in [path] if path.is_file() else path.rglob("*.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page}: {link}"


def test_every_dependency_is_pinned():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", pin) for pin in pins)
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = set(re.findall(r'^  "([a-z0-9-]+)(?:\[[a-z]+\])?[><=]', project, re.MULTILINE))
    assert {name for name in wanted if name != "grader"} <= pinned | {"psycopg"}
