"""What nobody hands in on purpose, over real sockets: refused or cut off, and nothing is left of it."""

from __future__ import annotations

import io
import random
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection

import pytest

from grader.store import open_store
from tests import course
from tests.functional.uploads_server import Served, token
from tests.web_client import form_of

_GIB = 1024**3


def begun(signed: str) -> bytes:
    """A form up to where the bytes of its file begin."""
    form = form_of(("form_token", None, token(signed)), ("file", "lab.ipynb", b"CUT"))
    return form.partition(b"CUT")[0]


def answer_of(connection: socket.socket) -> str:
    """All that comes until the other end closes; nothing where it just cut off."""
    said = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            said += piece
    return said.decode("utf-8", "replace")


def flood(connection: socket.socket, piece: bytes, most: int) -> int:
    """Sends the same piece again and again until nobody takes it; gives how many bytes were taken."""
    sent = 0
    with suppress(ConnectionError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("uploads")
    course.write_rubric(folder / "rubrics")
    with open_store(str(folder / "grader.db")):
        server = Served(folder)
    server.start()
    yield server
    server.end()


@pytest.fixture
def nothing_stays(served: Served) -> Iterator[None]:
    """Whatever the test sends: nothing of it is kept, and who comes next is served."""
    yield
    connection = HTTPConnection(served.host, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    with served.store() as store, store.reading() as history:
        assert history.received_on("mini") == [] and history.jobs() == []
    assert served.left_behind() == []


pytestmark = pytest.mark.usefixtures("nothing_stays")


def test_a_body_that_says_it_has_four_gib_is_refused_before_it_comes(served: Served) -> None:
    signed = served.link("s1")
    with served.connect() as connection:
        connection.sendall(served.head(signed, f"Content-Length: {4 * _GIB}") + begun(signed))
        said = answer_of(connection)
    assert said.startswith("HTTP/1.1 413 ")
    assert "larger than 2 MB" in said


def test_a_body_without_end_is_cut_off_at_the_limit(served: Served) -> None:
    signed = served.link("s1")
    with served.connect() as connection:
        first = begun(signed)
        connection.sendall(served.head(signed, "Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(first), first))
        taken = flood(connection, b"10000\r\n" + b"x" * 65536 + b"\r\n", 4 * _GIB)
        said = answer_of(connection)
    # Beyond the limit so much is read on that the sender may hear why.
    assert taken < 64 * 1024**2
    # Whoever still sends when the other end closes may be told of that alone.
    assert said == "" or said.startswith("HTTP/1.1 413 ")


def test_a_body_that_stops_coming_is_not_waited_for(served: Served) -> None:
    signed = served.link("s1")
    with served.connect() as connection:
        connection.sendall(served.head(signed, "Content-Length: 100000") + begun(signed))
        said = answer_of(connection)
    assert said.startswith("HTTP/1.1 408 ")
    assert "came too slowly" in said


def test_a_body_that_trickles_is_not_waited_for(served: Served) -> None:
    signed = served.link("s1")
    with served.connect() as connection:
        connection.sendall(served.head(signed, "Content-Length: 1000000") + begun(signed))
        ended = threading.Event()

        def trickle() -> None:
            with suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"x")

        sender = threading.Thread(target=trickle)
        sender.start()
        said = answer_of(connection)
        ended.set()
        sender.join()
    assert said == "" or said.startswith("HTTP/1.1 408 ")


def test_a_body_that_breaks_off_leaves_nothing(served: Served) -> None:
    signed = served.link("s1")
    with served.connect() as connection:
        connection.sendall(served.head(signed, "Content-Length: 100000") + begun(signed) + b"half of it")
    # The server notices by itself; the fixture asks it something else meanwhile.


def _two_files(signed: str) -> bytes:
    good = course.notebook(course.GOOD)
    return form_of(("form_token", None, token(signed)), ("file", "a.ipynb", good), ("file", "b.ipynb", good))


def _two_names(signed: str) -> bytes:
    raw = form_of(("form_token", None, token(signed)), ("file", "a.ipynb", course.notebook(course.GOOD)))
    return raw.replace(b'name="file"', b'name="form_token"; name="file"')


def _two_tokens(signed: str) -> bytes:
    good = course.notebook(course.GOOD)
    return form_of(("form_token", None, b"x"), ("form_token", None, token(signed)), ("file", "a", good))


def _no_file(signed: str) -> bytes:
    return form_of(("form_token", None, token(signed)))


@pytest.mark.parametrize("form", [_two_files, _two_names, _two_tokens, _no_file])
def test_a_form_with_other_parts_than_its_own_is_refused(
    served: Served, form: Callable[[str], bytes]
) -> None:
    signed = served.link("s1")
    status, _, said = served.send(signed, form(signed))
    assert status in (400, 403, 422), said
    assert "<h1>" in said


def _zip(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def _bomb() -> bytes:
    """Half a GiB of spaces in a notebook, as half a MiB."""
    return _zip("lab.ipynb", b" " * (_GIB // 2))


def _many() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(15_000):
            archive.writestr(f"{number}", b"")
    return made.getvalue()


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (_bomb, "lab.zip"),
        (_many, "lab.zip"),
        (lambda: b"[" * 1_500_000, "lab.ipynb"),
        (lambda: b'{"cells":' * 200_000, "lab.ipynb"),
        (lambda: b'{"nbformat": ' + b"9" * 1_000_000 + b"}", "lab.ipynb"),
        (lambda: b"", "lab.ipynb"),
        (lambda: random.Random(1).randbytes(500_000), "lab.ipynb"),
        (lambda: _zip("../../lab.ipynb", course.notebook(course.GOOD)), "lab.zip"),
    ],
    ids=["zip bomb", "many files", "deep list", "deep object", "long number", "empty", "noise", "out of zip"],
)
def test_a_file_that_is_made_to_hurt_is_refused_in_the_students_words(
    served: Served, raw: Callable[[], bytes], name: str
) -> None:
    signed = served.link("s1")
    status, _, said = served.hand_in(signed, raw(), name)
    assert status == 422, said
    assert "Nothing was taken" in said


@pytest.mark.parametrize("line", [b"X-Flood: " + b"x" * 1000 + b"\r\n", b"x" * 4096])
def test_a_head_without_end_is_cut_off(served: Served, line: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {served.host}\r\n".encode())
        taken = flood(connection, line, _GIB)
        said = answer_of(connection)
    assert taken < 32 * 1024**2
    assert said == "" or said.startswith("HTTP/1.1 400 ")


def test_a_head_that_does_not_end_is_not_waited_for(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert answer_of(connection) == ""
    # So is the second one on a connection that was good before.
    with served.connect() as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {served.host}\r\n\r\nGET /he".encode())
        assert answer_of(connection).startswith("HTTP/1.1 200 ")


def test_many_who_only_knock_keep_nobody_out(served: Served) -> None:
    idle = [served.connect() for _ in range(100)]
    connection = HTTPConnection(served.host, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    assert {answer_of(each) for each in idle} == {""}
    for each in idle:
        each.close()
