"""The work folders belong to one uid at a time, so that nobody else can write into the next one's."""

from __future__ import annotations

import os

from grader.collector.places import WRITABLE

__all__ = ["close_folders", "open_folders"]

# Sticky, so that a student's uid can set no extended attributes on the folders, which would outlive the wipe.
_CLOSED = 0o1700
_OPEN = 0o1770


def open_folders(uid: int) -> None:
    """Lets `uid` and root into the work folders, and nobody else.

    Root has no capability here to give a file away. It may let a group in that it belongs to, though, and may
    belong to any, and a student's group has one member. What an earlier uid still holds open of these folders
    is of no use to it: each access through it is checked anew.

    Raises:
        OSError: The engine's file system refuses, so that no student's code may run.
    """
    before = os.getgroups()
    os.setgroups([uid])
    try:
        for folder in WRITABLE:
            if folder.is_dir():
                os.chown(folder, -1, uid)
                folder.chmod(_OPEN)
    finally:
        os.setgroups(before)


def close_folders() -> None:
    """Lets nobody but root into the work folders.

    Raises:
        OSError: As for `open_folders`.
    """
    for folder in WRITABLE:
        if folder.is_dir():
            folder.chmod(_CLOSED)
