"""`grader hand-in` and `grader receipt`, from the command line to the history and back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path


def test_a_file_is_handed_in_and_its_receipt_holds(lab: Path, grader) -> None:
    file = lab / "submissions" / "s1" / "lab.ipynb"
    taken = grader("hand-in", file, "--student", "s1", "-a", "mini", "--yes", "--receipt", "receipt.json")
    assert taken.code == 0 and "s1, mini: received lab.ipynb" in taken.out
    verified = grader("receipt", "verify", "receipt.json", file)
    assert verified.code == 0 and "this receipt holds" in verified.out
    other = lab / "submissions" / "s2" / "lab.ipynb"
    refused = grader("receipt", "verify", "receipt.json", other)
    assert refused.code == 1 and "WRONG: the file that you have" in refused.out
    listed = grader("hand-in", "list", "-a", "mini")
    assert "lab.ipynb" in listed.out and "command" in listed.out
    assert grader("hand-in", "list", "-a", "mini", "--not-counting").out.count("lab.ipynb") == 0
    shown = grader("person", "show", "s1")
    assert shown.code == 0, shown.err


def test_without_a_place_the_receipt_is_printed(lab: Path, grader) -> None:
    file = lab / "submissions" / "s1" / "lab.ipynb"
    taken = grader("hand-in", "take", file, "-s", "s1", "-a", "mini", "--yes")
    said = json.loads(taken.out[taken.out.index("{") :])
    assert (said["student"], said["counts"], said["file"]) == ("s1", True, "lab.ipynb")


def test_what_cannot_be_taken_is_refused_with_what_to_do(lab: Path, grader) -> None:
    (lab / "lab.pdf").write_bytes(b"%PDF-1.7")
    refused = grader("hand-in", "lab.pdf", "-s", "s1", "-a", "mini", "--yes")
    assert refused.code == 2 and "a PDF" in refused.err and "to do:" in refused.err
    assert grader("hand-in", "none.ipynb", "-s", "s1", "-a", "mini", "--yes").code == 2
    new = grader("hand-in", "lab.pdf", "-s", "nobody", "-a", "mini")
    assert new.code == 2 and "nobody is called 'nobody'" in new.err
    other = grader("hand-in", "lab.pdf", "-s", "s1", "-a", "lab9", "--yes")
    assert other.code == 2 and "no files are handed in" in other.err


def test_links_come_as_a_table(graded: Path, grader) -> None:
    made = grader("hand-in", "link", "s1", "s2", "-a", "mini", "--until", "7d", "--csv")
    header, *rows = csv.reader(io.StringIO(made.out))
    assert header == ["student", "link"] and [row[0] for row in rows] == ["s1", "s2"]
    assert all("/u/" in row[1] for row in rows) and rows[0][1] != rows[1][1]
    for until in ("soon", "2001-01-01T00:00+00:00", "2030-01-01T00:00"):
        assert grader("hand-in", "link", "s1", "-a", "mini", "--until", until).code == 2


def test_a_file_that_counts_is_not_counted_again(lab: Path, grader) -> None:
    file = lab / "submissions" / "s1" / "lab.ipynb"
    taken = grader("hand-in", file, "-s", "s1", "-a", "mini", "--yes")
    number = json.loads(taken.out[taken.out.index("{") :])["row"]["row"]
    again = grader("hand-in", "count", number, "--reason", "ill")
    assert again.code == 2 and "counts already" in again.err
