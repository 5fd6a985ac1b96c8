from datetime import UTC, datetime

import pytest

from grader import errors


def test_an_error_tells_what_where_expected_found_and_what_to_do() -> None:
    error = errors.DataError(
        "CIFAR-10 is missing", where="data/", expected="cifar10/", found="nothing", todo="run grader data"
    )
    assert str(error).splitlines() == [
        "data/: CIFAR-10 is missing",
        "  expected: cifar10/",
        "  found: nothing",
        "  to do: run grader data",
    ]


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name not in {"Fault", "GraderError"}])
def test_what_has_to_be_mended_before_the_next_try_exits_with_two(name: str) -> None:
    kind = getattr(errors, name)
    made = {
        errors.RubricError: lambda: kind(["line 1: x"]),
        errors.LetGoError: lambda: kind("x", at=datetime(2026, 3, 1, tzinfo=UTC)),
        errors.OvertakenError: lambda: kind("x", seen="", stands="y", now="1"),
    }
    error = made.get(kind, lambda: kind("x"))()
    assert error.exit_code == (2 if issubclass(kind, errors.UsageError | errors.SetUpError) else 1)
    assert isinstance(error, errors.GraderError)
