"""Makes the pictures of docs/desk.md from the sample course: desk_pictures.py DEMO_FOLDER.

After `make demo`. Needs Chromium and the packages of `make setup`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from grader.facts.case import Reference
from grader.store import Queue, Store, open_store
from grader.store.queue import Reach
from grader.store.roster import PersonRecord
from grader.store.workers import Said
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person
from grader.workflows.accounts.people import add_account
from grader.workflows.desk.steering import pause, rerun
from grader.workflows.leasing.workers import let_in

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
#: Name, address, width and height in pixels, and whether it is dark.
SHOTS = (
    ("desk", "/a/pets/grade/choice-justified?student=chloe", 1280, 760, False),
    ("desk-finding", "/a/pets/grade/fresh-weights?student=ben", 1280, 760, True),
    ("desk-compare", "/a/pets/compare?left=ben&right=chloe#code", 1280, 760, False),
    ("desk-rubric", "/a/pets/rubric", 1280, 760, False),
    ("desk-phone", "/a/pets/grade/choice-justified?student=chloe", 390, 760, False),
    ("desk-setup", "/a/pets/setup", 1280, 760, False),
    ("desk-people", "/people", 1280, 600, False),
    ("desk-queue", "/queue", 1280, 760, False),
    ("desk-workers", "/workers", 1280, 600, True),
)


def main(demo: Path) -> None:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    PICTURES.mkdir(exist_ok=True)
    evidence = demo / "grader.db.evidence"
    with tempfile.TemporaryDirectory() as kept, listen("127.0.0.1", 0) as listening, ExitStack() as held:
        # A copy, so that the sample course stays as it is.
        shutil.copy(demo / "grader.db", kept)
        store = held.enter_context(open_store(f"{kept}/grader.db", evidence=evidence, create=False))
        live(store)
        desk = Opened(store, Reference(), listening, places=[demo])
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=sandbox)
            for name, path, width, height, dark in SHOTS:
                scheme = "dark" if dark else "light"
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                hear(store)
                page.goto(desk.link_for(Person("ann", Role.INSTRUCTOR)))
                page.goto(desk.place.origins[0] + f"/c/{store.course.name}{path}")
                page.wait_for_load_state("networkidle")
                if name == "desk-rubric":
                    change(page)
                save(page.screenshot(), PICTURES / f"{name}.png")
                page.close()
            browser.close()
        desk.stop()
        serving.join()


def live(store: Store) -> None:
    """A course at work: a roster, TAs, workers elsewhere, and a queue that somebody paused."""
    with store.writing() as history:
        students = history.students("pets")
        people = [
            PersonRecord(
                student=each, name=f"{each.title()} Example", email=f"{each}@uni.example", section="L0101"
            )
            for each in (*students, "zoe")
        ]
        history.replace_roster([(person, [f"id {person.student}"]) for person in people])
    for login, role in (("ben", Role.TA), ("cara", Role.HEAD_TA), ("dan", Role.ASSIGNED_TA)):
        add_account(store, login, role, course=store.course.name)
    for name in ("gpu-1", "gpu-2", "lab-pc"):
        let_in(store, name, actor="ann")
    workers = {each.name: each for each in store.workers.all()}
    store.workers.drain("gpu-2", draining=True)
    rerun(store, (), "pets", students[:3], "the data set was incomplete", actor="cara")
    queue = Queue(store, run=workers["gpu-1"].run, lease_s=600)
    queue.sign_on("gpu-1", 0)
    queue.claim(Reach())
    pause(store, "pets", "the rubric asks for the wrong optimiser", actor="cara")


def hear(store: Store) -> None:
    """Two of the workers say that they are there, as they do every ten seconds."""
    for each in store.workers.all():
        if each.name != "lab-pc":
            pages = "https://head.example.org:8787/status" if each.name == "gpu-1" else ""
            store.workers.hear(each.id, Said(f"{each.name}.cs.example.org", "0.4", 8, 8, pages))


def change(page: Page) -> None:
    """Makes the second criterion dearer, and waits for what that does to the class."""
    text = page.input_value("#text")
    page.fill("#text", text.replace("points: 2", "points: 4", 1).replace("total: 20", "total: 22"))
    page.wait_for_selector("#trial .figures")


def save(png: bytes, path: Path) -> None:
    """With few colours, since a page has few."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(path, optimize=True)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
