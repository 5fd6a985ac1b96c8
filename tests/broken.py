"""What students hand in where a notebook is asked for: forms that can be taken, and forms that cannot."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Mapping

from tests import course

NOTEBOOK = course.notebook(course.GOOD)


def content(**changes: object) -> dict[str, object]:
    return {**json.loads(NOTEBOOK), **changes}


def written(document: object) -> bytes:
    return json.dumps(document).encode()


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, part in members.items():
            archive.writestr(name, part)
    return raw.getvalue()


def encrypted() -> bytes:
    raw = bytearray(packed({"lab.ipynb": NOTEBOOK}))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def version_3() -> bytes:
    cells = [{"cell_type": "code", "input": course.GOOD, "outputs": [], "language": "python"}]
    return written({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]})


def with_cell(**changes: object) -> bytes:
    [cell] = json.loads(NOTEBOOK)["cells"]
    return written(content(cells=[{**cell, **changes}]))


def beside(damaged: object) -> bytes:
    """A good cell, and one that is damaged before it."""
    return written(content(cells=[damaged, *json.loads(NOTEBOOK)["cells"]]))


def without(*keys: str) -> bytes:
    return written({key: value for key, value in content().items() if key not in keys})


#: By what it is: name and bytes of a file that holds a whole notebook.
TAKEN: dict[str, tuple[str, bytes]] = {
    "zip": ("lab.zip", packed({"lab.ipynb": NOTEBOOK})),
    "zip of a Mac": (
        "lab.zip",
        packed({"lab 2/lab.ipynb": NOTEBOOK, "__MACOSX/lab 2/._lab.ipynb": b"\0\5", "lab 2/.DS_Store": b"x"}),
    ),
    "zip with data": ("lab.zip", packed({"lab.ipynb": NOTEBOOK, "a.png": b"\x89PNG", "README.md": b"# x"})),
    "zip with a checkpoint": (
        "lab.zip",
        packed({"lab.ipynb": NOTEBOOK, ".ipynb_checkpoints/lab-checkpoint.ipynb": b"{}"}),
    ),
    "zip with the same twice": ("lab.zip", packed({"lab.ipynb": NOTEBOOK, "copy/lab.ipynb": NOTEBOOK})),
    "zip called notebook": ("lab.ipynb", packed({"lab.ipynb": NOTEBOOK})),
    "zip of a renamed one": ("lab.zip", packed({"lab.ipynb.txt": NOTEBOOK})),
    "gzip": ("lab.ipynb.gz", gzip.compress(NOTEBOOK)),
    "txt behind": ("lab.ipynb.txt", NOTEBOOK),
    "json behind": ("lab.ipynb.json", NOTEBOOK),
    "json": ("lab.json", NOTEBOOK),
    "download": ("lab.IPYNB.download", NOTEBOOK),
    "no ending": ("lab", NOTEBOOK),
    "UTF-8 with a mark": ("lab.ipynb", b"\xef\xbb\xbf" + NOTEBOOK),
    "UTF-16 with a mark": ("lab.ipynb", NOTEBOOK.decode().encode("utf-16")),
    "UTF-16 big-endian": ("lab.ipynb", b"\xfe\xff" + NOTEBOOK.decode().encode("utf-16-be")),
    "UTF-16 without a mark": ("lab.ipynb", NOTEBOOK.decode().encode("utf-16-le")),
    "UTF-32 with a mark": ("lab.ipynb", NOTEBOOK.decode().encode("utf-32")),
    "one letter of Windows": ("lab.ipynb", NOTEBOOK.replace(b"total =", b"# \xe9\\ntotal =")),
    "version 3": ("lab.ipynb", version_3()),
    "version 3 as text": ("lab.ipynb", version_3().replace(b'"nbformat": 3', b'"nbformat": "3"')),
    "version 3 that is not said": ("lab.ipynb", version_3().replace(b'"nbformat": 3, ', b"")),
    "no metadata": ("lab.ipynb", without("metadata")),
    "metadata null": ("lab.ipynb", written(content(metadata=None))),
    "no version": ("lab.ipynb", without("nbformat", "nbformat_minor")),
    "version as text": ("lab.ipynb", written(content(nbformat="4", nbformat_minor="5"))),
    "version as a fraction": ("lab.ipynb", written(content(nbformat=4.0, nbformat_minor=None))),
    "cell without metadata": ("lab.ipynb", with_cell(metadata=None)),
    "outputs null": ("lab.ipynb", with_cell(outputs=None)),
    "output data null": ("lab.ipynb", with_cell(outputs=[{"output_type": "display_data", "data": None}])),
    "attachments null": ("lab.ipynb", beside({"cell_type": "markdown", "source": "a", "attachments": None})),
    "source null": ("lab.ipynb", beside({"cell_type": "code", "metadata": {}, "source": None})),
    "source of numbers": (
        "lab.ipynb",
        beside({"cell_type": "code", "metadata": {}, "source": ["sum = ", 1]}),
    ),
    "cell that is no object": ("lab.ipynb", beside("sum = 1")),
    "cell without a type": ("lab.ipynb", beside({"source": "words"})),
}

#: By what it is: name and bytes of a file of which nobody can tell what it is worth.
HELD: dict[str, tuple[str, bytes]] = {
    "web page": ("lab.html", b"<!DOCTYPE html><html><body>lab</body></html>"),
    "sign-in page": ("lab.ipynb", b"\n<!doctype html><title>Sign in</title>"),
    "script": ("lab.py", b"total = 1 + 2\n"),
    "PDF": ("lab.pdf", b"%PDF-1.7 ..."),
    "truncated": ("lab.ipynb", NOTEBOOK[: len(NOTEBOOK) // 2]),
    "empty": ("lab.ipynb", b""),
    "list": ("lab.ipynb", b"[1, 2, 3]"),
    "Drive": ("lab.gdoc", b'{"doc_id": "1aB", "email": "a@example.com"}'),
    "link": ("lab.url", b"[InternetShortcut]\nURL=https://colab.example/x\n"),
    "Word": ("lab.docx", packed({"word/document.xml": b"<w:document/>"})),
    "7z": ("lab.7z", b"7z\xbc\xaf\x27\x1c\0\4"),
    "RAR": ("lab.rar", b"Rar!\x1a\x07\1\0"),
    "two in a zip": ("lab.zip", packed({"one.ipynb": NOTEBOOK, "two.ipynb": course.notebook("b = 2")})),
    "locked zip": ("lab.zip", encrypted()),
    "zip without one": ("lab.zip", packed({"lab.py": b"x = 1"})),
    "zip in a zip": ("lab.zip", packed({"lab.zip": packed({"lab.ipynb": NOTEBOOK})})),
    "zip that climbs": ("lab.zip", packed({"../../lab.ipynb": NOTEBOOK})),
    "bomb": ("lab.zip", packed({"lab.ipynb": b" " * 20_000_000})),
    "cut zip": ("lab.zip", packed({"lab.ipynb": NOTEBOOK})[:-30]),
    "cut gzip": ("lab.ipynb.gz", gzip.compress(NOTEBOOK)[:-20]),
    "no code": ("lab.ipynb", written(content(cells=[{"cell_type": "markdown", "source": "a"}]))),
}
