from __future__ import annotations

import pytest

from grader.facts.handout import Handout, HandoutCell, fingerprint, source_digest
from grader.workflows.views.near_copies import Place, StudentCode, near_copies, student_code
from tests.factories import cell, code_cells

SOLUTION = """\
# my solution
def train(model, loader, rate):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for images, labels in loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    history.append(float(loss))
    plt.plot(range(len(history)), history, label="loss")
    torch.save(model.state_dict(), "best.pt")
    scores = model(images).argmax(dim=1)
    wrong = (scores != labels).sum().item() / len(labels)
    print(f"wrong: {wrong:.3f}", scores.shape)
"""

RENAMED = (
    SOLUTION.replace("# my solution", "# done on my own")
    .replace("model", "network")
    .replace("images", "batch")
    .replace("wrong", "missed")
    .replace("    history", "\n    # keep it\n    history")
    .replace('"best.pt"', '"other.pt"')
)

OTHER = """\
weights = np.random.randn(32, 16, 3, 3) * 0.01
for epoch in range(epochs):
    order = np.random.permutation(len(train_x))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        logits = forward(weights, train_x[chosen])
        grad = backward(weights, logits, train_y[chosen])
        weights -= 0.1 * grad
    errors[epoch] = np.mean(np.argmax(forward(weights, val_x), 1) != val_y)
best = int(np.argmin(errors)) + 1
print("best epoch", best, errors[best - 1])
np.savez("weights.npz", weights=weights, errors=errors)
"""


def code(student: str, *sources: str, handout: Handout | None = None) -> StudentCode:
    return student_code(student, code_cells(*sources), handout)


def test_a_copy_with_other_names_comments_and_texts_is_found() -> None:
    [pair] = near_copies([code("a", "x = 1", SOLUTION), code("b", RENAMED), code("c", OTHER)])
    assert (pair.first, pair.second) == ("a", "b")
    assert pair.share == 1.0
    assert pair.share_as_written < 0.7
    assert pair.longest == pair.lines[0] == pair.lines[1]
    assert pair.places == (Place(1, 2), Place(0, 2))


def test_independent_solutions_are_not_listed() -> None:
    assert near_copies([code("a", SOLUTION), code("c", OTHER)]) == []
    [pair] = near_copies([code("a", SOLUTION), code("c", OTHER + SOLUTION[:200])], least_share=0.01)
    assert pair.share < 0.5


def test_what_the_handout_gave_is_not_the_students() -> None:
    given = Handout(cells=(HandoutCell(kind="code", sha256=source_digest(SOLUTION)),))
    codes = [code("a", SOLUTION, "x = 1", handout=given), code("b", SOLUTION, handout=given)]
    assert all(len(item.lines) <= 1 for item in codes)
    assert near_copies(codes) == []


def test_lines_of_the_handout_are_not_the_students_in_a_cell_that_was_added_to_either() -> None:
    given = fingerprint({"cells": [{"cell_type": "code", "source": SOLUTION, "metadata": {}}]})
    codes = [
        code("a", SOLUTION.replace("\n", "\r\n") + "a_b = c + d * e", handout=given),
        code("b", "  " + SOLUTION.replace("\n", "\n  ").rstrip() + "\n" + OTHER, handout=given),
    ]
    assert [line.place.line for line in codes[0].lines] == [15]
    assert {line.written for line in codes[1].lines} == {line.written for line in code("b", OTHER).lines}
    assert near_copies(codes) == []


def test_what_much_of_the_class_wrote_alike_says_nothing() -> None:
    assert near_copies([code(f"s{place}", SOLUTION) for place in range(3)]) != []
    assert near_copies([code(f"s{place}", SOLUTION) for place in range(5)]) == []


def test_a_few_lines_are_too_few_to_compare() -> None:
    short = "\n".join(SOLUTION.splitlines()[:5])
    assert near_copies([code("a", short), code("b", short)]) == []
    assert len(near_copies([code("a", short), code("b", short)], fewest_lines=3)) == 1


def test_the_most_alike_come_first() -> None:
    half = SOLUTION.replace("torch.save(model.state_dict(), ", "joblib.dump(model.weights[0], x=").replace(
        "plt.plot(range", "sns.line(y=np.arange"
    )
    pairs = near_copies([code("a", SOLUTION), code("b", half), code("c", RENAMED)])
    assert (pairs[0].first, pairs[0].second) == ("a", "c")
    assert 0.5 <= pairs[-1].share < pairs[0].share


@pytest.mark.parametrize(
    "source", ["", "def broken(:\n  '''", "%%bash\nls -la /tmp\n", "\x00\n\x0c", "naïve = 'ü'"]
)
def test_any_text_can_be_read(source: str) -> None:
    assert student_code("s", [cell(0, source), cell(1, "text", kind="markdown")]).student == "s"
