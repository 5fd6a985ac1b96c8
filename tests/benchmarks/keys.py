"""From a key until the next item is on screen, in a real browser, beside a static page of the same bytes.

A TA reads for `READ_S` and presses a key: `n`, or points. What is measured begins with the key's own time and
ends when the next item and the frame of its answer are loaded and drawn. In turn with that the same browser
goes by a key to a static page as long as the item's page, without its frame: from the key until it is loaded
and drawn. Medians and 95th percentiles are of the same run; the latter's ratio is held to the target.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import chromium

__all__ = ["MOST_NEXT", "Pressed", "press_keys", "pressed_table"]

#: How many times as long as a static page may the next item take after a key.
MOST_NEXT = 2.0
#: Keys of each kind, and seconds that somebody reads before each.
PRESSED, READ_S = int(os.environ.get("GRADER_BENCH_KEYS", "40")), 0.5

#: Says in the console how many milliseconds lay between the key and what it led to.
_WATCH = """(() => {
  if (window !== top || !location.origin.startsWith("http")) return;
  const at = () => performance.timeOrigin + performance.now();
  const item = () => document.querySelector("#h-answer")?.innerText;
  const loaded = new WeakSet();
  let before;
  const drawn = () => requestAnimationFrame(() => setTimeout(() => {
    const pressed = Number(sessionStorage.getItem("pressed"));
    sessionStorage.removeItem("pressed");
    if (pressed) console.log(`took ${at() - pressed}`);
  }));
  const look = () => {
    const frame = document.querySelector("#answer");
    if (before !== undefined && item() && item() !== before && frame && loaded.has(frame)) {
      before = undefined;
      drawn();
    }
  };
  addEventListener("keydown", (event) => {
    before = item();
    sessionStorage.setItem("pressed", performance.timeOrigin + event.timeStamp);
    if (event.key === "s") location.href = window.name;
  }, true);
  document.addEventListener("load", (event) => { loaded.add(event.target); look(); }, true);
  addEventListener("load", drawn);
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true});
})()"""


@dataclass(frozen=True)
class Pressed:
    """Milliseconds from key to screen, beside those of a static page of so many bytes."""

    name: str
    size: int
    took: tuple[float, ...]
    static: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return _p95(self.took) / _p95(self.static)

    @property
    def held(self) -> float:
        return self.ratio / MOST_NEXT


def _p95(took: tuple[float, ...]) -> float:
    return quantiles(took, n=20)[-1]


def press_keys(origin: str, link: str, items: tuple[str, str], course: str) -> list[Pressed]:
    """Presses `n` and then points in Chromium, each in turn with a static page.

    Args:
        origin: Of the server.
        link: Signs somebody in.
        items: Paths of the criteria that are turned over and marked.
        course: The address below which the course is.
    """
    executable, arguments = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(_WATCH)
        page, static = context.new_page(), context.new_page()
        page.goto(link)
        measured = [
            _press(page, static, name, key, origin + at, f"{course}/bench/bytes")
            for at, (name, key) in zip(items, (("key n", "n"), ("key of points", "2")), strict=True)
        ]
        browser.close()
        return measured


def _press(page: Page, static: Page, name: str, key: str, items: str, bare: str) -> Pressed:
    answer = page.goto(items)
    assert answer is not None
    size = len(answer.body())
    static.goto(f"{bare}/{size}")
    took, beside = [], []
    for place in range(PRESSED + 5):
        page.bring_to_front()
        page.wait_for_timeout(1000 * READ_S)
        took.append(_until_shown(page, key))
        static.bring_to_front()
        static.evaluate("address => { window.name = address; }", f"{bare}/{size}?{place}")
        beside.append(_until_shown(static, "s"))
    return Pressed(name, size, tuple(took[5:]), tuple(beside[5:]))


def _until_shown(page: Page, key: str) -> float:
    with page.expect_console_message(lambda said: said.text.startswith("took ")) as said:
        page.keyboard.press(key)
    return float(said.value.text.split()[1])


def pressed_table(pressed: list[Pressed]) -> str:
    """In Markdown."""
    lines = ["| from key to screen | bytes | median ms | static | p95 ms | static | times | may be | holds |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    lines += [
        f"| {each.name} | {each.size:,} | {median(each.took):.1f} | {median(each.static):.1f} |"
        f" {_p95(each.took):.1f} | {_p95(each.static):.1f} | {each.ratio:.1f} | {MOST_NEXT:g} |"
        f" {'yes' if each.held <= 1 else '**no**'} |"
        for each in pressed
    ]
    return "\n".join(lines)
