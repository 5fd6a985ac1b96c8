import json
import zipfile

import pytest

from grader.intake import find_submissions


def notebook_bytes(source="x = 1"):
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


@pytest.fixture
def folder(tmp_path):
    """Writes files below a folder: names to bytes, None for an empty folder."""

    def write(files):
        root = tmp_path / "handed-in"
        for name, raw in files.items():
            path = root / name
            if raw is None:
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(raw)
        return root

    return write


@pytest.fixture
def archive(tmp_path):
    """Writes a zip archive: a list of (name or ZipInfo, bytes)."""

    def write(members, name="handed-in.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for member, raw in members:
                opened.writestr(member, raw)
        return path

    return write


@pytest.fixture(params=["folder", "zip"])
def handed_in(request, folder, archive):
    """Writes the same files as a folder and as a zip archive."""
    if request.param == "folder":
        return folder
    return lambda files: archive([(name, raw) for name, raw in files.items() if raw is not None])


@pytest.fixture
def by_student():
    """Submissions of a path, by student; fails where a student has two."""

    def find(path, **options):
        submissions = find_submissions(path, **options).submissions
        assert len({submission.student for submission in submissions}) == len(submissions)
        return {submission.student: submission for submission in submissions}

    return find
