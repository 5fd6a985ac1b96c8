"use strict";
// Keys, and nothing else: every one of them presses a button or follows a link that the page has anyway.
(() => {
  document.body.classList.add("scripted");
  const byId = (id) => document.getElementById(id);
  const text = "input:not([type=checkbox]):not([type=radio]), textarea, select";
  const writes = (element) => Boolean(element && element.closest(text));
  const press = (element) => { if (element) element.click(); };

  // One decision is sent once, however often a key is pressed while the next page comes.
  let sent = false;
  document.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });

  // A frame keeps the keys of whoever clicked into it: they come back as soon as the pointer leaves it.
  document.addEventListener("mouseout", (event) => {
    if (event.target.id === "answer" && document.activeElement === event.target) event.target.blur();
  });

  const step = (by) => {
    const lines = [...document.querySelectorAll("[data-line]")];
    const current = lines.findIndex((line) => line.contains(document.activeElement));
    const next = lines[Math.max(0, Math.min(lines.length - 1, current + by))];
    if (next) next.querySelector("a, button, input").focus();
  };

  // What is on screen is looked up at each key: one item takes the place of another (`ahead.js`).
  const here = (selector) => document.querySelector(`main:not([hidden]) ${selector}`);
  const points = (digit) => {
    const [give, field, half] = [byId("give"), byId("points"), byId("half")];
    if (!give || !field) return;
    const most = Number(document.querySelector("[data-most]:not([hidden])").dataset.most);
    const more = half.classList.contains("on") ? 0.5 : 0;
    half.classList.remove("on");
    if (most >= 10) {
      field.value = (field.value || "") + digit + (more ? ".5" : "");
      field.focus();
      return;
    }
    const value = Number(digit) + more;
    if (value > most) {
      field.value = value;
      field.select();
      return;
    }
    field.value = value;
    press(give.querySelector('[name="give"]'));
  };

  const keys = {
    n: () => press(byId("next")),
    p: () => press(byId("previous")),
    a: () => press(byId("alike")),
    o: () => press(byId("notebook")),
    u: () => press(byId("undo")?.querySelector("button")),
    ".": () => press(byId("repeat")?.querySelector("button")),
    h: () => { byId("half")?.classList.toggle("on"); },
    c: () => { byId("comment")?.focus(); },
    f: () => {
      const flagging = byId("flagging");
      if (!flagging) return;
      flagging.open = true;
      flagging.querySelector("#note, form button").focus();
    },
    "?": () => {
      const help = byId("keys");
      if (!help) return;
      help.open = !help.open;
      if (help.open) help.scrollIntoView({block: "nearest"});
    },
    j: () => step(1),
    k: () => step(-1),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (writes(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const digit = /^[0-9]$/.test(event.key);
    // Whatever stands above the digits of this keyboard; where digits themselves stand there, they are points.
    const used = !digit && event.shiftKey && /^Digit[1-9]$/.test(event.code)
      ? here(`[data-used="${event.code.slice(-1)}"] button`) : null;
    if (used) {
      event.preventDefault();
      press(used);
      return;
    }
    if (!digit && !keys[event.key]) return;
    event.preventDefault();
    if (digit) points(event.key);
    else keys[event.key]();
  });
})();
