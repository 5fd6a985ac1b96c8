"""What all evidence models share: strict fields, and NaN and infinity written as words."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Record"]


class Record(BaseModel):
    """An immutable piece of evidence.

    JSON has no NaN or infinity, so floats are written as ``"NaN"``, ``"Infinity"`` and
    ``"-Infinity"`` and read back as floats; ``null`` always means "absent", never "not a number".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings", allow_inf_nan=True)
