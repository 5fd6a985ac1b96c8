"use strict";
// The rubric page while somebody writes: lines with their numbers and problems, a trial, and sliders.
// Without it the page does the same by its buttons.
(() => {
  document.body.classList.add("scripted");
  const main = document.getElementById("main");
  const form = document.getElementById("draft");
  const area = document.getElementById("text");
  const at = main.dataset.at;
  const byId = (id) => document.getElementById(id);

  // Lines: their numbers beside the text, what is wrong at their ends. Both scroll with it.
  const gutter = document.querySelector(".gutter ol");
  const notes = document.querySelector(".notes");
  let problems = [];
  const number = (lines) => {
    const wrong = new Map();
    for (const each of problems) wrong.set(each.line, [...(wrong.get(each.line) || []), each]);
    gutter.replaceChildren();
    notes.replaceChildren();
    lines.forEach((text, place) => {
      const found = wrong.get(place + 1) || [];
      const certain = found.some((each) => each.certain);
      const beside = document.createElement("li");
      beside.textContent = (found.length ? (certain ? "✗ " : "! ") : "") + (place + 1);
      const line = document.createElement("div");
      if (found.length) {
        beside.className = line.className = certain ? "bad" : "part";
        const hidden = document.createElement("span");
        hidden.textContent = text;
        const said = document.createElement("em");
        said.textContent = found.map((each) => each.what).join("; ");
        line.append(hidden, said);
      }
      gutter.append(beside);
      notes.append(line);
    });
    scroll();
  };
  const scroll = () => {
    gutter.style.transform = `translateY(${-area.scrollTop}px)`;
    notes.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
  };
  area.addEventListener("scroll", scroll);

  const listed = () => [...document.querySelectorAll("#problems [data-goto]")].map((link) => {
    const item = link.closest("li");
    const what = [...item.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join("");
    return {line: Number(link.dataset.goto), what: what.replace(/^\s*:\s*/, "").trim(), certain: item.className === "bad"};
  });
  byId("problems").addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (!link) return;
    event.preventDefault();
    const lines = area.value.split("\n");
    const from = lines.slice(0, link.dataset.goto - 1).reduce((sum, line) => sum + line.length + 1, 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[link.dataset.goto - 1] || "").length);
    area.scrollTop = (link.dataset.goto - 4) * parseFloat(getComputedStyle(area).lineHeight);
  });

  // A trial: asked for as soon as nobody writes, and looked after until it is over.
  const trial = byId("trial");
  const confirm = byId("confirm");
  let asked = 0;
  const offer = (job) => {
    if (!confirm) return;
    confirm.hidden = !job;
    if (job) confirm.href = `${at}/confirm?job=${encodeURIComponent(job)}`;
  };
  const follow = async (job, turn) => {
    for (;;) {
      const answer = await fetch(`${at}/state?job=${encodeURIComponent(job)}`).catch(() => null);
      if (turn !== asked) return;
      if (answer === null) {
        // Nobody answers: the server may be beginning anew.
        await new Promise((go) => setTimeout(go, 2000));
        continue;
      }
      if (answer.status === 404) {
        trial.textContent = "The server began anew, and what came of this trial is gone. Your text is kept; Try out judges again.";
        return;
      }
      if (!answer.ok) return;
      const told = await answer.json();
      trial.innerHTML = told.html;
      if (told.over && main.dataset.kind === "publication") {
        location.reload();
        return;
      }
      if (told.over) {
        if (told.sound && trial.querySelector(".figures") && !trial.querySelector(".state.good")) offer(job);
        return;
      }
      await new Promise((go) => setTimeout(go, 400));
    }
  };
  const look = async () => {
    const turn = ++asked;
    const sent = new URLSearchParams({form_token: form.elements.form_token.value, text: area.value});
    const answer = await fetch(`${at}/live`, {method: "POST", body: sent});
    if (turn !== asked || !answer.ok) return;
    const told = await answer.json();
    problems = told.problems;
    byId("problems").innerHTML = told.html;
    number(area.value.split("\n"));
    if (told.job) follow(told.job, turn);
  };
  let pause = 0;
  area.addEventListener("input", () => {
    number(area.value.split("\n"));
    offer("");
    asked += 1;
    clearTimeout(pause);
    pause = setTimeout(look, 600);
  });
  problems = listed();
  number(area.value.split("\n"));
  if (main.dataset.over === "no") follow(main.dataset.job, asked);

  // Sliders: the marks of the class as shares, fetched once; each move reckons all of them anew.
  const fields = [...document.querySelectorAll("[data-id]")];
  const sliders = [...document.querySelectorAll("[data-for]")];
  const bars = [...document.querySelectorAll("#spread .bar-after")];
  const before = [...document.querySelectorAll("#spread .bar-before")];
  const BINS = 10, WHOLE = 65535, HAIR = 1e-6;
  let classes = null;
  const load = async () => {
    const answer = await fetch(byId("points").dataset.shares);
    const raw = await answer.arrayBuffer();
    const bytes = new Uint8Array(raw);
    const end = bytes.indexOf(10);
    let from = end + 1;
    classes = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))).map((head) => {
      const part = new Uint16Array(raw.slice(from, from + head.bytes));
      from += head.bytes;
      const size = 2 + 2 * head.criteria.length;
      return {...head, part, size, rows: part.length / size, points: null};
    });
  };
  // The same arithmetic as grader/grading/what_if.py, by which the page is right without a script as well.
  const points = (class_, weights) => {
    const {part, size, rows} = class_;
    const worth = Float64Array.from(weights, (weight) => (100 * weight) / WHOLE);
    const all = 100 * weights.reduce((sum, weight) => sum + weight, 0);
    const left = new Float64Array(rows);
    for (let row = 0, start = 0; row < rows; row += 1, start += size) {
      let earned = 0;
      for (let place = 0; place < worth.length; place += 1) {
        earned += Math.floor(part[start + 2 + 2 * place] * worth[place] + 0.5);
      }
      const basis = part[start + 1] > 0 ? all : earned;
      const taken = Math.min(Math.floor((basis * part[start]) / WHOLE + 0.5 + HAIR), earned);
      left[row] = (earned - taken) / 100;
    }
    return left;
  };
  const reckon = (asked) => {
    const counts = new Array(BINS).fill(0);
    let sum = 0, marks = 0, gain = 0, lose = 0;
    for (const class_ of classes) {
      const weights = class_.criteria.map((id, place) => asked.has(id) ? asked.get(id) : class_.out_of[place]);
      const now = class_.out_of.reduce((total, each) => total + each, 0);
      const then = weights.reduce((total, each) => total + each, 0);
      class_.points = class_.points || points(class_, class_.out_of);
      const others = points(class_, weights);
      for (let row = 0; row < class_.rows; row += 1) {
        const share = then ? others[row] / then : 0;
        const moved = share - (now ? class_.points[row] / now : 0);
        gain += moved > HAIR;
        lose += moved < -HAIR;
        counts[Math.min(BINS - 1, Math.max(0, Math.floor(share * BINS + HAIR)))] += 1;
        sum += others[row];
      }
      marks += class_.rows;
    }
    return {counts, mean: marks ? sum / marks : 0, gain, lose};
  };
  // To the cent, a half to the even one, as the server rounds.
  const plain = (value) => {
    const cents = 100 * value, low = Math.floor(cents);
    return String((cents - low === 0.5 ? low + (low % 2) : Math.round(cents)) / 100);
  };
  const chosen = () => new Map(fields.map((field) => [field.dataset.id, Number(field.value.replace(",", ".")) || 0]));
  const draw = () => {
    const weights = chosen();
    const found = reckon(weights);
    const was = byId("spread") ? byId("spread").dataset.before.split(",").map(Number) : [];
    const most = Math.max(1, ...was, ...found.counts);
    const room = 148, foot = 166;
    const lift = (bar, count) => {
      bar.setAttribute("height", (room * count) / most);
      bar.setAttribute("y", foot - (room * count) / most);
    };
    bars.forEach((bar, place) => lift(bar, found.counts[place]));
    before.forEach((bar, place) => lift(bar, was[place]));
    const total = plain([...weights.values()].reduce((sum, each) => sum + each, 0));
    byId("mean-after").textContent = plain(found.mean);
    byId("gain").textContent = found.gain;
    byId("lose").textContent = found.lose;
    byId("total").textContent = total;
    const picture = document.querySelector("#spread svg");
    if (picture) {
      const shares = found.counts.map((count, place) => `${10 * place} to ${10 * place + 10} %: ${was[place]} before, ${count} after`);
      picture.setAttribute("aria-label", `Marks by share of the points. ${shares.join("; ")}`);
    }
  };
  let due = false;
  const soon = async () => {
    if (due) return;
    due = true;
    if (!classes) await load();
    requestAnimationFrame(() => { due = false; draw(); });
  };
  for (const slider of sliders) {
    const field = byId(slider.dataset.for);
    slider.hidden = false;
    slider.addEventListener("input", () => { field.value = slider.value; soon(); });
    field.addEventListener("input", () => { slider.value = field.value.replace(",", "."); soon(); });
  }
})();
