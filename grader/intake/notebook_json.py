"""Reads a student's file as a notebook of format 4, whatever the file is, or says why it is none.

Every odd file must end in one clear SubmissionError. What does no harm is let through: NaN, missing or
repeated cell ids, a byte-order mark, UTF-16, a foreign kernel, a format version that is missing or text,
notebooks of version 3, cells that are damaged among others that are not.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from grader.errors import SubmissionError

__all__ = ["LEFT_OUT", "MAX_BYTES", "MAX_PARTS", "is_notebook", "notebook_cells"]

MAX_BYTES = 50 * 1024 * 1024
MAX_PARTS = 2_000_000
_MAX_DIGITS = 1000
_MAX_CELLS = 5000
#: Key of a cell under which `shorten` notes how many bytes of outputs it left out.
LEFT_OUT = "grader_outputs_left_out_bytes"
_RESAVE = "open the notebook in Jupyter or Colab, save it, and hand in the saved file"


def notebook_cells(raw: bytes) -> list[dict[str, Any]]:
    """Gives the cells of a notebook file as JSON objects in the form of nbformat 4.

    Args:
        raw: The file's bytes as handed in.

    Raises:
        SubmissionError: The file is no notebook, or too large or too deep to be read safely.
    """
    notebook = _read_object(_text(raw))
    version = _version(notebook)
    if not 1 <= version <= 4:
        raise SubmissionError(
            "the notebook's format version is not supported", expected="1 to 4", found=_short(version)
        )
    if version < 4:
        notebook = _upgrade(notebook, version)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise SubmissionError(
            "the file is JSON but no notebook",
            expected="an object with a list of cells",
            found=f"cells: {_short(cells)}" if "cells" in notebook else "an object without cells",
            todo=_RESAVE,
        )
    return _checked(cells)


def is_notebook(raw: bytes) -> bool:
    """Whether a file is a notebook by its content, whatever it is called."""
    try:
        return any(isinstance(cell, dict) and "cell_type" in cell for cell in notebook_cells(raw))
    except SubmissionError:
        return False


def _version(notebook: dict[str, Any]) -> int:
    """The format's version; where the file does not say, what it is made of tells."""
    version = notebook.get("nbformat")
    if isinstance(version, str) and version.strip().isdecimal():
        version = int(version[:_MAX_DIGITS])
    if isinstance(version, float) and version.is_integer():
        version = int(version)
    if isinstance(version, int) and not isinstance(version, bool):
        return version
    return 3 if "cells" not in notebook and "worksheets" in notebook else 4


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise SubmissionError(
            "the file is too large",
            expected=f"at most {MAX_BYTES // 1024**2} MB",
            found=f"{len(raw) / 1024**2:.0f} MB",
            todo="clear the outputs and save again",
        )
    if not raw.strip():
        raise SubmissionError("the file is empty", expected="a Jupyter notebook", todo=_RESAVE)
    # Few bytes can stand for many Python objects: "[],[],[]" takes 30 times its size once read.
    if raw.count(b"[") + raw.count(b"{") > MAX_PARTS:
        raise SubmissionError(
            "the file has too many parts", expected=f"at most {MAX_PARTS} lists and objects"
        )
    encoding = json.detect_encoding(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if raw.lstrip()[:1] == b"{":
            # One letter that some editor wrote in Windows-1252 is not worth a whole notebook.
            return raw.decode("utf-8", "replace")
        raise SubmissionError(
            "the file is not text in UTF-8",
            found=f"byte 0x{raw[error.start]:02x} at position {error.start}",
            todo=_RESAVE,
        ) from error


def _read_object(text: str) -> dict[str, Any]:
    try:
        # JSON has no NaN; where Python wrote one all the same, it is not there.
        content = json.loads(text, parse_constant=lambda _: None, parse_int=_integer)
    except json.JSONDecodeError as error:
        whole = text.rstrip().endswith("}") or not text.lstrip().startswith("{")
        what = "the file is" if whole else "the file breaks off before its end, and is"
        raise SubmissionError(
            f"{what} not valid JSON, so it is no notebook",
            where=f"line {error.lineno}, column {error.colno}",
            found=error.msg,
            todo=_RESAVE,
        ) from error
    except RecursionError as error:
        raise SubmissionError("the file is nested too deeply to be a notebook", todo=_RESAVE) from error
    if not isinstance(content, dict):
        raise SubmissionError(
            "the file is JSON but no notebook", expected="an object with cells", found=_short(content)
        )
    return content


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise SubmissionError("the file holds a number too long to read", found=f"{len(digits)} digits")
    return int(digits)


def _upgrade(notebook: dict[str, Any], version: int) -> dict[str, Any]:
    """Brings a notebook of an older version to version 4."""
    import nbformat  # slow to import, and seldom needed

    # nbformat writes each flaw of the file to the log, which is the TA's terminal.
    logger = logging.getLogger("traitlets")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        upgraded = nbformat.convert(nbformat.from_dict(notebook), 4)
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
        nbformat.ValidationError,
    ) as error:
        if cells := _cells_of_sheets(notebook):
            return {"cells": cells}
        raise SubmissionError(
            f"the notebook of version {version} could not be upgraded to version 4",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            todo=_RESAVE,
        ) from error
    finally:
        logger.disabled = was_disabled
    return dict(upgraded)


def _cells_of_sheets(notebook: dict[str, Any]) -> list[Any]:
    """Sources of a notebook of version 2 or 3 that is too damaged to be converted as a whole."""
    sheets = notebook.get("worksheets")
    listed = (
        [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        if isinstance(sheets, list)
        else []
    )
    cells = [cell for cells in listed if isinstance(cells, list) for cell in cells]
    return [
        {"source": cell["input"], **cell} if isinstance(cell, dict) and "input" in cell else cell
        for cell in cells
    ]


def _checked(cells: list[Any]) -> list[dict[str, Any]]:
    if len(cells) > _MAX_CELLS:
        raise SubmissionError(
            "the notebook has too many cells", expected=f"at most {_MAX_CELLS}", found=str(len(cells))
        )
    # What is no object keeps its place, since cells are known by their number in the file.
    return [cell if isinstance(cell, dict) else {"cell_type": "raw", "source": None} for cell in cells]


def _short(value: Any) -> str:
    """Names a JSON value by its kind, with a little of it where that is safe."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    kind = kinds.get(type(value), "a number")
    return f"{kind}: {value!r}" if isinstance(value, int) and abs(value) < 10**12 else kind
