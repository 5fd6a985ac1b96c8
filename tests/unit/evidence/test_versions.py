"""Evidence of earlier versions: stored bundles get the verdicts that they got when they were recorded."""

from __future__ import annotations

import copy
import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grader.errors import EvidenceError
from grader.evidence.codec import Bundle, decode, digest, encode, pack, unpack
from grader.evidence.record import SCHEMA_VERSION, Candidate, Cut, FunctionRecord, ModuleRecord
from grader.evidence.versions import as_current
from grader.facts.handout import fingerprint
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.workflows.regrading.reference import load_reference
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.acceptance.notebooks import notebook_bytes

ROOT = Path(__file__).resolve().parents[3]
STORED = Path(__file__).parent / "version_1"
VERDICTS: dict[str, Any] = json.loads((STORED / "verdicts.json").read_text())


#: What is judged otherwise since: no point for a function never seen at work, as the kernel was dead.
SINCE: dict[str, dict[str, list[Any]]] = {
    "demo-eve": {"written-by-hand": ["NEEDS_TA", 0.0, 0.4]},
    # Points of two questions were divided among what a program decides and what a person does.
    "lab1-blank": {
        "pigeon-test-error": ["FAIL", 0.0, 0.0],
        "pigeon-change": ["NEEDS_TA", 0.0, 1.0],
        "which-settings": ["NEEDS_TA", 0.0, 1.0],
        "which-settings-explained": ["NEEDS_TA", 0.0, 3.0],
    },
    "networks-carried-weights": {
        "reloaded": ["FAIL", 0.0, 0.0],
        # One of the settings was trained on the test data, which a person looks at.
        "selection": ["NEEDS_TA", 0.0, 2.0],
    },
}
#: Criteria that came since, on what nobody recorded then.
ASKED_SINCE = ("curve", "reloaded")
#: Files that could not be taken, which were settled zeros and wait for a person since.
HELD = frozenset({"demo-finn"})


@cache
def stored(name: str) -> bytes:
    return lzma.decompress((STORED / f"{name}.gre.xz").read_bytes())


def judged(bundle: Bundle, lab: str) -> Verdict:
    own = ROOT / "tests" / "acceptance" / lab
    by_hand = own / "rubric.yaml"
    loaded = load_rubric_file(by_hand if by_hand.is_file() else ROOT / "rubrics" / f"{lab}.yaml")
    handout = fingerprint(json.loads(notebook_bytes(own / "blank"))) if by_hand.is_file() else loaded.handout
    return grade(loaded.rubric, bundle, load_reference(ROOT / "reference"), handout)


@pytest.mark.parametrize("name", VERDICTS)
def test_stored_evidence_gets_the_verdict_that_it_got_when_it_was_recorded(name: str) -> None:
    before = VERDICTS[name]
    verdict = judged(decode(stored(name)), before["lab"])
    findings = {each.criterion: [each.status, each.points, each.pending] for each in verdict.findings}
    given = before["findings"]
    if name in HELD:
        given = {each.criterion: ["NEEDS_TA", 0.0, each.out_of] for each in verdict.findings}
    asked = {each.criterion: each.out_of for each in verdict.findings if each.criterion in ASKED_SINCE}
    unseen = {criterion: ["MISSING_EVIDENCE", 0.0, points] for criterion, points in asked.items()}
    expected = {**given, **unseen, **SINCE.get(name, {})}
    assert findings == expected
    assert verdict.points == pytest.approx(sum(points for _, points, _ in expected.values()))
    assert verdict.pending == pytest.approx(sum(pending for *_, pending in expected.values()))


@pytest.mark.parametrize("name", VERDICTS)
def test_evidence_is_written_in_todays_version_and_reads_as_the_same(name: str) -> None:
    read = decode(stored(name))
    written = encode(read)
    body, arrays = unpack(written, limit_bytes=len(written))
    assert json.loads(body)["schema_version"] == SCHEMA_VERSION
    again = decode(written)
    assert again.evidence == read.evidence
    assert [array.tobytes() for array in again.arrays] == [array.tobytes() for array in arrays]
    assert digest(written) != digest(stored(name))


def test_layers_that_were_text_are_records() -> None:
    history = decode(stored("networks-right")).evidence.training
    lists = [history.layers_of(run.model) for run in history.runs]
    assert all(each is not None and each.digest is not None and not each.cut for each in lists)
    first = next(each for each in lists if each is not None).layers
    assert [layer.type for layer in first if layer.parameters or layer.settings]
    assert any(layer.settings.get("kernel_size") == (3, 3) for each in lists if each for layer in each.layers)


# What a history of version 1 may hold, by hand.

MODEL = {"token": 0, "class_name": "Net", "names": ["net"], "parameter_count": 3}
LOSS = {"function": "mse_loss", "input_shape": [4], "target_shape": [4], "target_dtype": "float32"}
START = {"determined": True}
RUN = {"index": 0, "order": 0, "cell": 1, "model": MODEL, "start": START, "loss": LOSS, "source": 0}
SOURCE = {"token": 0, "dataset_token": 0, "dataset": "MNIST", "index_low": 0, "index_high": 9}
LOOK = {"order": 1, "cell": 1, "model": MODEL, "source": 0, "batches": 2}
LINE = "fc{}: Linear(bias=True, in_features=10, out_features=10)"


def first(**more: Any) -> dict[str, Any]:
    """Evidence of version 1 as JSON."""
    given = {"schema_version": 1, "notebook": "0" * 64, "plan": "1" * 64, "outcome": "COMPLETED", **more}
    return copy.deepcopy(given)


def read(**more: Any) -> Any:
    return decode(pack(json.dumps(first(**more)).encode())).evidence


def trained(*architectures: str, **more: Any) -> Any:
    models = [{**MODEL, "token": place, "architecture": text} for place, text in enumerate(architectures)]
    runs = [{**RUN, "index": place, "model": model} for place, model in enumerate(models)]
    return read(training={"runs": runs, "sources": [SOURCE], "evaluations": [LOOK], **more}).training


def body(*lines: str, characters: int) -> str:
    """A network as version 1 wrote it: equal layers, then these, as many characters as it kept."""
    return "\n".join([*(LINE.format(place) for place in range(200)), *lines])[:characters]


def test_a_network_as_long_as_version_1_kept_is_cut_and_has_no_digest() -> None:
    history = trained(body(characters=4000), body(characters=3999))
    long, short = (history.layers_of(run.model) for run in history.runs)
    assert (long.cut, long.digest) == (True, None)
    assert (short.cut, short.digest is None) == (False, False)
    assert [layer.path for layer in long.layers] == [f"fc{place}" for place in range(len(long.layers))]
    assert long.layers[0].settings == {"bias": True, "in_features": 10, "out_features": 10}


def test_two_networks_that_version_1_cut_alike_are_neither_equal_nor_different() -> None:
    history = trained(body("head: Linear(out_features=2)", characters=4000), body(characters=4000))
    first_list, second_list = (history.layers_of(run.model) for run in history.runs)
    assert first_list.same_as(second_list) is None


def test_equal_texts_are_equal_networks_and_other_texts_are_different_ones() -> None:
    history = trained("a: ReLU(inplace=False)", "a: ReLU(inplace=False)", "a: ReLU(inplace=True)")
    one, same, other = (history.layers_of(run.model) for run in history.runs)
    assert (one.same_as(same), one.same_as(other)) == (True, False)


def test_parameters_that_no_network_owns_have_no_layers() -> None:
    history = trained("")
    assert history.layers_of(history.runs[0].model) is None


@pytest.mark.parametrize(
    ("line", "path", "settings", "parameters"),
    [
        (
            "c: Conv2d(kernel_size=(5, 5), padding='same')",
            "c",
            {"kernel_size": (5, 5), "padding": "same"},
            {},
        ),
        ("(self): Scale(weight[3, 4])", "", {}, {"weight": (3, 4)}),
        ("a.0: Bound(top=inf, low=1e999)", "a.0", {"top": "inf", "low": "1e999"}, {}),
        ("a: Odd(pairs=((1, 2), 3)", "a", {"pairs": "((1, 2)"}, {}),
    ],
)
def test_each_line_of_a_network_is_a_layer(line: str, path: str, settings: Any, parameters: Any) -> None:
    history = trained(line)
    (layer,) = history.layers_of(history.runs[0].model).layers
    assert (layer.path, layer.settings, layer.parameters) == (path, settings, parameters)


def test_lists_as_long_as_version_1_kept_say_that_they_may_be_cut() -> None:
    run = {**RUN, "batch_sizes": list(range(8)), "losses": [0.5] * 130, "passes": 300}
    history = read(training={"runs": [run], "sources": [SOURCE]}).training
    assert (history.runs[0].batch_sizes_cut, history.runs[0].losses_cut) == (True, True)
    assert history.complete
    files = [{"path": f"f{place}", "cell": 1, "size_bytes": 1} for place in range(2000)]
    shims = [{"kind": "cuda", "cell": 0, "detail": str(place)} for place in range(500)]
    assert read(files=files, shims=shims).cut == (Cut.SHIMS, Cut.FILES)
    assert read(files=files[1:], shims=shims[1:]).cut == ()


@pytest.mark.parametrize(
    "more",
    [
        {"sources": [{**SOURCE, "token": place} for place in range(500)]},
        {"sources": [{**SOURCE, "token": 1}]},
        {"sources": [{**SOURCE, "names": list("abcdefgh")}]},
    ],
)
def test_a_history_that_may_lack_something_is_not_complete(more: dict[str, Any]) -> None:
    history = trained("a: ReLU()", **more)
    assert not history.complete
    assert any("not recorded" in note for note in history.notes)


def answered(record: Any, **more: Any) -> Any:
    return read(probes={"p": {"status": "ok", "record": record, **more}}).probes


def test_a_call_with_as_many_names_as_version_1_kept_may_have_used_others() -> None:
    def call(names: int) -> Any:
        calls = [{"operation_names": [f"op{place}" for place in range(names)]}]
        record = answered({"kind": "function", "name": "f", "calls": calls})["p"].record
        assert isinstance(record, FunctionRecord)
        return record.calls[0]

    assert call(200).operation_names_cut
    assert not call(199).operation_names_cut


def test_candidates_are_records_whether_a_network_was_found_or_not() -> None:
    network = {"kind": "module", "found_by": "discovery", "name": "net", "class_name": "Net"}
    found = answered({**network, "candidates": ["Wide (not built: TypeError)", "net"]})["p"]
    assert isinstance(found.record, ModuleRecord)
    assert [(each.name, each.not_built) for each in found.candidates] == [
        ("Wide", "TypeError"),
        ("net", None),
    ]
    detail = "no network accepts 1 x 9; looked at Net (not built: TypeError)"
    missing = read(probes={"p": {"status": "not_found", "detail": detail}}).probes["p"]
    assert missing.candidates == (Candidate(name="Net", not_built="TypeError"),)
    assert not missing.candidates_cut


def test_the_value_of_an_expression_which_nothing_asks_for_any_more_is_left_out() -> None:
    value = {"kind": "value", "value": {"kind": "int", "value": 2}}
    assert answered(value) == {}


def test_a_stand_in_of_a_kind_that_never_was_is_left_out() -> None:
    shims = [{"kind": "imread", "cell": 0, "detail": ""}, {"kind": "made up", "cell": 0, "detail": ""}]
    assert [use.kind for use in read(shims=shims).shims] == ["imread"]


@pytest.mark.parametrize(
    "broken",
    [
        {"training": []},
        {"training": {"runs": [{"model": "a network"}]}},
        {"probes": {"p": {"record": {}}}},
        {"files": [{"path": "a"}]},
        {"cells": [{}]},
        {"training": {"runs": [{**RUN, "model": {**MODEL, "architecture": 3}}]}},
    ],
)
def test_what_only_says_that_it_is_of_version_1_is_refused_in_plain_words(broken: Any) -> None:
    with pytest.raises(EvidenceError):
        read(**broken)


@pytest.mark.parametrize("version", [0, 3, 99])
def test_a_version_that_is_not_known_is_named_with_what_to_do(version: int) -> None:
    with pytest.raises(EvidenceError, match="a version that this program does not read") as refused:
        as_current(version, first())
    assert (refused.value.expected, refused.value.found) == ("1, 2", str(version))
    assert "newest release" in (refused.value.todo or "")
