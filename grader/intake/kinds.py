"""What a file is that is no notebook, by its first bytes and its name, and how to hand in the notebook."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["HANDED_IN_AS", "kind_of"]

_DOWNLOAD = (
    "in Colab: File, Download, Download .ipynb; in Jupyter: File, Download; hand in that .ipynb file itself"
)
_MAGIC = (
    (b"%PDF", "a PDF", _DOWNLOAD),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "hand in the .ipynb file itself, not packed"),
    (b"Rar!", "a RAR archive", "hand in the .ipynb file itself, not packed"),
    (b"\x89PNG", "a picture", _DOWNLOAD),
    (b"\xff\xd8\xff", "a picture", _DOWNLOAD),
    (b"\xd0\xcf\x11\xe0", "an Office document", _DOWNLOAD),
    (b"[InternetShortcut]", "a link to a web page", _DOWNLOAD),
)
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<title", b"<?xml", b"<script")
_NAMES = {
    ".html": ("a web page", _DOWNLOAD),
    ".htm": ("a web page", _DOWNLOAD),
    ".py": ("a Python script", _DOWNLOAD),
    ".pdf": ("a PDF", _DOWNLOAD),
    ".docx": ("a Word document", _DOWNLOAD),
    ".doc": ("a Word document", _DOWNLOAD),
    ".gdoc": ("a link to Google Drive", _DOWNLOAD),
    ".url": ("a link to a web page", _DOWNLOAD),
    ".webloc": ("a link to a web page", _DOWNLOAD),
    ".7z": ("a 7z archive", "hand in the .ipynb file itself, not packed"),
    ".rar": ("a RAR archive", "hand in the .ipynb file itself, not packed"),
    ".zip": ("a zip archive", "hand in the .ipynb file itself, not packed"),
    ".gz": ("a packed file", "hand in the .ipynb file itself, not packed"),
}

#: What else has a name; courses keep such files too, so that alone they are nobody's hand-in.
_TEXTS = {".txt": ("a text file", _DOWNLOAD), ".md": ("a text file", _DOWNLOAD)}

#: Endings of files that students hand in instead of a notebook.
HANDED_IN_AS = frozenset(_NAMES)


def kind_of(raw: bytes, path: PurePath) -> tuple[str, str] | None:
    """What a file is in words, and how to hand in the notebook; None for what may be a broken notebook."""
    start = raw[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, kind, advice in _MAGIC:
        if start.startswith(magic):
            return kind, advice
    if start.startswith(b"PK"):
        return _NAMES.get(path.suffix.lower()) if path.suffix.lower() == ".docx" else None
    if start.lower().startswith(_PAGES):
        return "a web page, such as a sign-in page or an exported notebook", _DOWNLOAD
    if start.startswith(b"{") and (b'"doc_id"' in start or b'"url"' in start) and b'"cells"' not in raw:
        return "a link to Google Drive", _DOWNLOAD
    if not raw.strip() or start.startswith((b"{", b"[")):
        return None
    return (_NAMES | _TEXTS).get(path.suffix.lower())
