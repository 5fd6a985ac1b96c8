"""What a form sent, read word by word: a field that is not there or not a number is said, never guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from grader.errors import UsageError
from grader.web.site import AnyRequest

__all__ = ["Form", "FormError", "read_form"]

#: No criterion is worth more.
_MOST = 10_000


class FormError(UsageError):
    pass


class Form:
    """The fields of one form.

    Args:
        fields: Each with its text, in the order sent; a name can come more than once.
    """

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._sent = fields

    def text(self, name: str) -> str:
        """One field's text without white space around it; empty where it is missing."""
        return next((text.strip() for key, text in self._sent if key == name), "")

    def exact(self, name: str) -> str:
        """One field's text as it was typed, as a password is."""
        return next((text for key, text in self._sent if key == name), "")

    def numbers(self, prefix: str) -> dict[str, float]:
        """Fields whose names begin so, by the rest of their names; empty ones are left out.

        Raises:
            FormError: There is something else than a number from 0 on in one.
        """
        named = [
            (key.removeprefix(prefix), text.strip()) for key, text in self._sent if key.startswith(prefix)
        ]
        return {name: _number(name, text) for name, text in named if text}

    def all(self, name: str) -> list[str]:
        return [text for key, text in self._sent if key == name]

    def points(self, name: str) -> float:
        """A number of points, with a point or a comma.

        Raises:
            FormError: It is missing or none.
        """
        text = self.text(name)
        try:
            return float(text.replace(",", "."))
        except ValueError:
            found = text or "nothing"
            raise FormError("a mark needs points", expected="a number, as 1.5", found=found) from None

    def whole(self, name: str) -> int | None:
        """A whole number; None where the field is empty.

        Raises:
            FormError: There is something else in it.
        """
        text = self.text(name)
        if not text:
            return None
        if not text.isdecimal():
            raise FormError("this form is damaged; load the page again", where=name, found=text[:40])
        return int(text)


def _number(name: str, text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST:
        raise FormError("this needs a number of points", where=name, expected="as 1.5", found=text[:40])
    return round(value, 2)


async def read_form(request: AnyRequest) -> Form:
    """The form of a request, which the guard has looked at already."""
    sent = await request.form()
    return Form([(name, text) for name, text in sent.multi_items() if isinstance(text, str)])
