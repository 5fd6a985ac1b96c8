"""Makes the pictures of docs/desk.md from the sample course: desk_pictures.py DEMO_FOLDER.

After `make demo`. Needs Chromium and the packages of `make setup`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from grader.facts.case import Reference
from grader.store import open_store
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.web.sessions import Person

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
#: Name, address, width and height in pixels, and whether it is dark.
SHOTS = (
    ("desk", "/a/pets/grade/choice-justified?student=chloe", 1280, 760, False),
    ("desk-finding", "/a/pets/grade/fresh-weights?student=ben", 1280, 760, True),
    ("desk-compare", "/a/pets/compare?left=ben&right=chloe#code", 1280, 760, False),
    ("desk-rubric", "/a/pets/rubric", 1280, 760, False),
    ("desk-phone", "/a/pets/grade/choice-justified?student=chloe", 390, 760, False),
)


def main(demo: Path) -> None:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    PICTURES.mkdir(exist_ok=True)
    with open_store(str(demo / "grader.db"), create=False) as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening)
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=sandbox)
            for name, path, width, height, dark in SHOTS:
                scheme = "dark" if dark else "light"
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
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
