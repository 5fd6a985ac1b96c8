"""Rules that hold for every module and document, so that nobody has to remember them."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

import grader
import reference
from grader.evidence.record import Outcome
from tests.attacks.bench import attack_limits
from tests.attacks.model import attacks

ROOT = Path(__file__).resolve().parents[2]

#: All modules but database migrations, which Alembic runs and nobody imports.
MODULES = sorted(
    path
    for package in (grader, reference)
    for path in Path(package.__file__).parent.rglob("*.py")
    if "migrations" not in path.parts
)


#: All modules of tests but benchmarks, which measure, and notebooks of students.
TESTS = sorted(
    path
    for path in (ROOT / "tests").rglob("*.py")
    if "benchmarks" not in path.parts and path.name != "notebook.py"
)

#: What reads a clock of the machine: how much of it passes is the machine's affair.
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"}
#: What starts a real sandbox or a process confined as a kernel is.
REAL = re.compile(
    r"mark\.docker|docker\.from_env\(|confine_kernel\(|open_sandbox\(\"|[\"']bwrap[\"'], ?[\"']-"
)
#: Ends by these are the test's subject, so that the limit on time must be far away.
OTHER_LIMITS = {Outcome.OUTPUT_LIMIT, Outcome.OUT_OF_MEMORY}
FAR_S = 60


def names(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def parsed(path):
    """A module's tree, read once for all rules."""
    return ast.parse(path.read_text(encoding="utf-8"))


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


def test_a_module_with_public_names_lists_them_once():
    wrong = []
    for path in MODULES:
        public = {name for name in assigned(parsed(path)) if not name.startswith("_")}
        listed = exported(parsed(path))
        if listed is None and public:
            wrong.append(f"{names(path)} has no __all__ but defines {sorted(public)}")
        elif listed and len(listed) != len(set(listed)):
            wrong.append(f"{names(path)} lists a name twice")
    assert wrong == []


def test_what_a_module_lists_is_there():
    missing = {}
    for path in MODULES:
        imported = {
            alias.asname or alias.name
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        missing[names(path)] = set(exported(parsed(path)) or ()) - imported - set(assigned(parsed(path)))
    assert {path: absent for path, absent in missing.items() if absent} == {}


def test_every_module_says_what_it_is_for():
    silent = [names(path) for path in MODULES if parsed(path).body and not ast.get_docstring(parsed(path))]
    assert silent == []


def test_every_module_on_this_side_of_the_wall_imports():
    missing = []
    for path in MODULES:
        if "collector" not in path.parts and path.stem != "__main__":
            module = importlib.import_module(names(path).removesuffix(".__init__"))
            listed = exported(parsed(path)) or ()
            missing += [f"{names(path)} has no {name}" for name in listed if not hasattr(module, name)]
    assert missing == []


def test_only_facts_know():
    """A check that could make a fact of its own could make a guess one."""
    makers = [
        f"{names(path)}:{node.lineno}"
        for path in MODULES
        if "facts" not in path.parts
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Known"
    ]
    assert makers == []


def test_no_private_name_crosses_rooms():
    crossing = [
        f"{names(path)} takes {alias.name} from {node.module}"
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grader")
        for alias in node.names
        if alias.name.startswith("_") or any(part.startswith("_") for part in (node.module or "").split("."))
    ]
    assert crossing == []


def test_only_the_store_touches_its_database():
    """Sessions and engines stay in the store, so that no use case depends on how rows are kept."""
    rooms = {"cli", "exports", "reporting", "samples", "web", "workflows"}
    touching = [
        f"{names(path)}:{node.lineno} takes .{node.attr}"
        for path in MODULES
        if path.relative_to(ROOT).parts[1] in rooms
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in {"session", "database", "engine"}
    ]
    assert touching == []


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


def reads_a_clock(node):
    """Whether an expression asks a clock: `time.monotonic()`, `perf_counter()`, `time.time()` and such."""
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return any(
        (isinstance(called, ast.Name | ast.Attribute) and ast.unparse(called).split(".")[-1] in CLOCKS)
        or ast.unparse(called) in ("time.time", "time.time_ns")
        for called in calls
    )


def timed_asserts(tree):
    """Lines of asserts that compare what a clock said, there or in a variable of the same function."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        timed = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and reads_a_clock(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and any(
                compares_time(each, timed) for each in ast.walk(node) if isinstance(each, ast.Compare)
            ):
                yield node.lineno


def compares_time(comparison, timed):
    named = {each.id for each in ast.walk(comparison) if isinstance(each, ast.Name)}
    return reads_a_clock(comparison) or bool(named & timed)


def test_no_test_asserts_how_much_time_passed():
    """Such a test fails on a busy machine: assert what is done instead of how long it took."""
    timed = [f"{names(path)}:{line}" for path in TESTS for line in timed_asserts(parsed(path))]
    assert timed == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("began = time.monotonic()\n    assert time.monotonic() - began < 2", [3]),
        ("began = time.time()\n    work()\n    took = time.time() - began\n    assert took < 2", [5]),
        ("assert perf_counter() < limit", [2]),
        ("began = clock()\n    work()\n    assert 0 < time.process_time() - began", [4]),
        ("deadline = time.monotonic() + 9\n    stream.receive(deadline)\n    assert stream.ended", []),
        ("assert is_orphan(labels, now=time.time())", []),
    ],
)
def test_the_rule_on_time_finds_comparisons_and_nothing_else(source, found):
    assert list(timed_asserts(ast.parse(f"def test_it():\n    {source}"))) == found


def test_unit_tests_start_no_real_sandbox():
    """One that does belongs into tests/sandbox or tests/functional."""
    found = [
        f"{names(path)}: {match[0]}"
        for path in TESTS
        if "unit" in path.parts and path.name != "test_house.py"
        for match in REAL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_an_attack_that_must_meet_another_limit_has_time_for_it():
    racing = {
        attack.id
        for attack in attacks()
        if set(attack.outcomes) <= OTHER_LIMITS and attack_limits(attack).cell_s < FAR_S
    }
    assert racing == set()
