"""An object store as a place for evidence: S3 and what speaks like it, Google's and Azure's, by obstore."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from grader.errors import EvidenceUnavailable, StoreError, UsageError
from grader.store.blobs import MARK, Stored, gone, is_whole, require_mark
from grader.store.packing import LIMIT_BYTES, is_digest, key_of, pack, unpack

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["SCHEMES", "BlobBucket"]

SCHEMES = ("s3", "gs", "az")
_BACK = "bring the object back from a backup or an older version"
#: A lost connection is tried again for so long.
_RETRY = timedelta(seconds=30)
#: Letters of what the service says; its answers are pages of XML.
_SAID = 240
_ADVICE = (
    "check the bucket's name, that the service answers, and the access keys in the environment"
    " (for S3 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL)"
)


class BlobBucket:
    """A bucket, or what lies below a prefix of it, as a `BlobStore`.

    Args:
        url: As ``s3://bucket/prefix``; keys and the service's address come from the environment.
        mark: What its mark has to say; empty where any will do.

    Raises:
        UsageError: The URL cannot be used, or obstore is not installed.
    """

    def __init__(self, url: str, *, mark: str = "") -> None:
        self.place = url
        self._mark = mark
        self._checked = not mark
        self._store = _connect(url)

    def check(self) -> None:
        if not self._checked:
            require_mark(self.read_mark(), self._mark, self.place)
            self._checked = True

    def read_mark(self) -> str | None:
        found = self._read(MARK)
        return None if found is None else found.decode("ascii", "replace").strip()

    def write_mark(self, mark: str) -> None:
        """Makes the bucket, or this part of it, one that can be told from others.

        Raises:
            StoreError: It cannot be written.
        """
        self._write(MARK, mark.encode("ascii"), mode="overwrite")

    def __contains__(self, digest: str) -> bool:
        return self._size(_key(digest)) is not None

    def put(self, content: bytes) -> str:
        self.check()
        digest = hashlib.sha256(content).hexdigest()
        packed = pack(content)
        if not self._write(_key(digest), packed, mode="create") and not is_whole(self, digest):
            self._write(_key(digest), packed, mode="overwrite")
        return digest

    def get(self, digest: str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
        key = _key(digest)
        stored = self._read(key)
        if stored is None:
            raise gone(self, self._named(key), _BACK)
        return unpack(stored, digest, where=self._named(key), limit_bytes=limit_bytes)

    def remove(self, digest: str) -> None:
        import obstore

        self.check()
        try:
            obstore.delete(self._store, _key(digest))
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return
        except obstore.exceptions.BaseError as error:
            raise self._failed("evidence cannot be removed", error) from error

    def size(self, digest: str) -> int:
        key = _key(digest)
        size = self._size(key)
        if size is None:
            raise gone(self, self._named(key), _BACK)
        return size

    def stored(self) -> Iterator[Stored]:
        import obstore

        self.check()
        try:
            for some in obstore.list(self._store):
                for each in some:
                    digest = str(each["path"]).replace("/", "")
                    if is_digest(digest):
                        yield Stored(digest, int(each["size"]), each["last_modified"])
        except obstore.exceptions.BaseError as error:
            raise self._failed("evidence cannot be listed", error) from error

    def _named(self, key: str) -> str:
        return f"{self.place.rstrip('/')}/{key}"

    def _read(self, key: str) -> bytes | None:
        """An object's bytes; None where there is none."""
        import obstore

        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return None
        except obstore.exceptions.BaseError as error:
            raise self._failed("evidence cannot be read", error) from error

    def _size(self, key: str) -> int | None:
        import obstore

        try:
            return int(obstore.head(self._store, key)["size"])
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return None
        except obstore.exceptions.BaseError as error:
            raise self._failed("evidence cannot be read", error) from error

    def _write(self, key: str, data: bytes, *, mode: Any) -> bool:
        """Whether it was written; False where an object of this name is there and `mode` is ``create``."""
        import obstore

        try:
            obstore.put(self._store, key, data, mode=mode)
        except obstore.exceptions.AlreadyExistsError:
            return False
        except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
            raise StoreError(
                "evidence cannot be stored",
                where=self.place,
                found="no bucket of this name",
                todo="make it with the service's own tool, or give another one; the grader makes no buckets",
            ) from error
        except obstore.exceptions.BaseError as error:
            raise self._failed("evidence cannot be stored", error) from error
        return True

    def _failed(self, what: str, error: Exception) -> StoreError:
        import obstore

        # All else, such as a refusal, has a class of its own; this is a connection that came to nothing.
        passing = isinstance(error, obstore.exceptions.GenericError)
        kind = EvidenceUnavailable if passing else StoreError
        return kind(what, where=self.place, found=_in_short(error), todo=_ADVICE)


def _key(digest: str) -> str:
    return "/".join(key_of(digest))


def _in_short(error: Exception) -> str:
    """What obstore says, without the program's own view of it that follows."""
    said = " ".join(str(error).split("Debug source", maxsplit=1)[0].split())
    return said if len(said) <= _SAID else f"{said[:_SAID]}..."


def _connect(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc:
        raise UsageError(
            "evidence cannot be kept there",
            where=url,
            expected="a folder, or s3://BUCKET/PREFIX (gs:// and az:// alike)",
            todo="give another --evidence",
        )
    try:
        import obstore
        from obstore.store import from_url
    except ModuleNotFoundError as error:
        raise UsageError(
            "a package is missing that reads and writes object stores",
            where=url,
            todo="pip install 'grader[objects]'",
        ) from error
    # Whoever names an address without TLS, as of a server on their own machine, means it.
    plain = any(
        os.environ.get(name, "").startswith("http://") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    )
    try:
        return from_url(
            url,
            client_options={"allow_http": plain},
            retry_config={"max_retries": 5, "retry_timeout": _RETRY},
        )
    except (obstore.exceptions.BaseError, ValueError) as error:
        raise UsageError(
            "this place for evidence cannot be used",
            where=url,
            found=_in_short(error),
            todo=_ADVICE,
        ) from error
