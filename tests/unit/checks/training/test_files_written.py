"""Files that the run writes, or that the student's words name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.checks.training.files_written import FilesWritten
from grader.evidence.checkpoints import Checkpoints, CheckpointSaved
from grader.evidence.record import (
    CellError,
    CellRecord,
    Cut,
    FileWritten,
    Outcome,
)
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, rows
from tests.unit.checks.parts import judge

NAMED = FilesWritten(named=("m_epoch0", "m_epoch1", "m_epoch1_err.csv"))


def unnamed(judgement: Judgement) -> list[str]:
    return [row["file"] for row in rows(judgement, "files") if not row["named"]]


def test_files_named_word_for_word_are_right_and_a_pattern_goes_to_a_ta():
    assert (
        judge(NAMED, cell(2, "m_epoch0, `m_epoch1`, m_epoch1_err.csv.", kind="markdown")).status
        is Status.PASS
    )
    part = judge(NAMED, cell(2, "m_epoch0 to m_epoch{n} and a CSV file", kind="markdown"))
    assert part.status is Status.NEEDS_TA
    assert unnamed(part) == ["m_epoch1", "m_epoch1_err.csv"]
    assert judge(NAMED).status is Status.FAIL


def test_the_beginning_of_a_longer_name_is_not_that_file():
    listed = cell(2, "m_epoch0 m_epoch1_err.csv", kind="markdown")
    assert unnamed(judge(NAMED, listed)) == ["m_epoch1"]


def test_files_that_the_run_wrote_are_found_by_pattern():
    check = FilesWritten(patterns=(r"epoch\d+$",))
    files = (FileWritten(path="out/m_epoch3", cell=2, size_bytes=9),)
    found = judge(check, cell(2, "train()"), files=files)
    assert (found.status, found.where[0].cell) == (Status.PASS, 2)
    assert judge(check, cell(2, "train()")).status is Status.FAIL
    failed = cell(2, "train()", error=CellError(type="OSError"))
    assert judge(check, failed).status is Status.NEEDS_TA
    assert judge(check, outcome=Outcome.TIMEOUT).status is Status.NEEDS_TA
    assert judge(check, cell(2, "train()"), cut=(Cut.FILES,)).status is Status.NEEDS_TA
    assert judge(check, cell(2, "train()"), cut=(Cut.SHIMS,)).status is Status.FAIL
    other = FilesWritten(patterns=(r"epoch\d+$",), sections=("b",))
    cells = (cell(2, "train()"), cell(3, "# Part b", kind="markdown"))
    assert judge(other, *cells, files=files).status is Status.FAIL


IN_A = FilesWritten(patterns=(r"epoch\d+$",), sections=("a",))
FAILED = cell(4, "test(", error=CellError(type="SyntaxError"))
HEADING_B = cell(3, "# Part b", kind="markdown")
LATER = cell(5, "def train_features():\n    torch.save(net, path)")


@pytest.mark.parametrize(
    ("passes", "cells", "status"),
    [
        (30, (cell(2, "train()"), HEADING_B, FAILED), Status.FAIL),
        (30, (cell(2, "train()"), HEADING_B, FAILED, LATER), Status.FAIL),
        (1, (cell(2, "train()"), HEADING_B, FAILED), Status.NEEDS_TA),
        (30, (cell(2, "train()", error=CellError(type="NameError")), HEADING_B), Status.NEEDS_TA),
        (30, (cell(2, "train()\nif good: torch.save(net, path)"), HEADING_B, FAILED), Status.NEEDS_TA),
        (
            30,
            (cell(2, "train()"), cell(3, "torch.save(net, path)", error=CellError(type="E"))),
            Status.NEEDS_TA,
        ),
    ],
)
def test_a_training_that_ended_and_wrote_nothing_is_not_excused_by_a_failure_elsewhere(
    passes: int, cells: tuple[CellRecord, ...], status: Status
):
    training = factories.history(factories.training_run(0, 2, passes=passes))
    of_part_b = (FileWritten(path="net_epoch1", cell=5, size_bytes=9),)
    judgement = judge(IN_A, *cells, training=training, files=of_part_b)
    assert judgement.status is status
    if status is Status.FAIL:
        assert judgement.message == "The training in cell 2 wrote no such files."


CHECKPOINT = FilesWritten(patterns=(r"\.pt$",))


@pytest.mark.parametrize(
    ("source", "files", "status"),
    [
        ("train()", ("net_bs64_lr0.001_5",), Status.NEEDS_TA),
        ("train()", (), Status.FAIL),
        ("if accuracy > 0.8:\n    torch.save(net, 'net.pt')", (), Status.NEEDS_TA),
        ("if accuracy > 0.8:\n    save_file(net.state_dict(), '/tmp/net')", (), Status.NEEDS_TA),
        ("if accuracy > 0.8:\n    open('/tmp/net', 'wb').write(weights)", (), Status.NEEDS_TA),
        ("plt.savefig('curve')", (), Status.FAIL),
        ("np.savetxt('curve', losses)", (), Status.FAIL),
    ],
)
def test_checkpoints_under_other_names_or_saved_on_a_condition_go_to_a_ta(
    source: str, files: tuple[str, ...], status: Status
):
    written = tuple(FileWritten(path=path, cell=2, size_bytes=9) for path in files)
    training = factories.history(factories.training_run(0, 2))
    judgement = judge(CHECKPOINT, cell(2, source), files=written, training=training)
    assert judgement.status is status
    assert all(path in judgement.open for path in files)


@pytest.mark.parametrize(
    ("path", "run", "status"),
    [
        ("/tmp/net.pt", 0, Status.PASS),
        ("/tmp/net.pt", None, Status.FAIL),
        ("/tmp/net.csv", 0, Status.NEEDS_TA),
        ("gone/net.pt", 0, Status.FAIL),
    ],
)
def test_weights_of_a_training_are_known_outside_the_work_folder(path: str, run: int | None, status: Status):
    saved = Checkpoints(saved=(CheckpointSaved(path=path, cell=2, run=run),))
    training = factories.history(factories.training_run(0, 2))
    assert judge(CHECKPOINT, cell(2, "train()"), checkpoints=saved, training=training).status is status


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def keep(net):\n    torch.save(net, 'net.pt')", Status.NEEDS_TA),
        ("torch.save(features, 'features')", Status.FAIL),
    ],
)
def test_saving_in_another_part_excuses_only_where_it_is_a_function(source: str, status: Status):
    cells = (cell(2, "train()"), cell(3, "# Part b", kind="markdown"), cell(4, source))
    files = (FileWritten(path="features", cell=4, size_bytes=9),)
    assert judge(CHECKPOINT, *cells, files=files).status is status


def test_a_rubric_names_files_or_patterns():
    with pytest.raises(ValidationError, match="named or patterns"):
        FilesWritten()
