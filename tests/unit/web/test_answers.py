"""What a TA sees of an answer."""

from __future__ import annotations

from tests.unit.web.conftest import SignIn
from tests.web_class import CURVES, WHY

BESIDE = "Beside it, from other parts"


def test_what_the_rubric_lays_beside_an_answer_stands_below_it(sign_in: SignIn) -> None:
    client = sign_in()
    why = client.get(f"/untrusted/a/cats/s/s1002/answer/{WHY}").text
    curves = client.get(f"/untrusted/a/cats/s/s1002/answer/{CURVES}").text
    answer, beside = why.split(BESIDE)
    assert "data:image/png" not in answer
    assert beside.count("data:image/png") == curves.count("data:image/png") > 0
    assert BESIDE not in curves


def test_where_our_run_cut_the_training_its_curves_are_told_from_the_students(sign_in: SignIn) -> None:
    text = sign_in().get(f"/untrusted/a/cats/s/s1002/answer/{CURVES}").text
    assert "In the file handed in</p>" in text
    assert "In our run, which trained on a few batches a pass</p>" in text
