"use strict";
// One item after another without waiting: the next is fetched while one is read, and shown at the key. Points
// are sent one after another beside it. Nothing is told as written before the server said so, and what it
// refused comes back. Without this script every key leads to a page of its own.
(() => {
  const item = () => document.querySelector("main.grade:not([hidden])");
  const byId = (id) => document.getElementById(id);
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");
  const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });

  //: Decisions that the server has not answered, the one that is sent first; who was decided here so far.
  const unsent = [];
  const decided = new Set();
  const refused = [];
  let waiting = [];
  //: The next item, on its way or here; what keeps the keys until another item is shown, and the keys it kept.
  let ahead = null;
  let turning = null;
  let held = [];

  // What is told: a quiet line for who sees and who hears, and a list of what was refused.
  const line = Object.assign(document.createElement("p"), {className: "told"});
  line.setAttribute("role", "status");
  const list = Object.assign(document.createElement("section"), {className: "notice bad unwritten"});
  list.setAttribute("role", "alert");
  list.setAttribute("aria-label", "Not written");
  const tell = (text, amiss = false) => {
    line.textContent = text;
    line.classList.toggle("bad", amiss);
    line.dataset.unsent = unsent.length;
  };
  const inWords = ({student, points, comment}) =>
    `${points} point${points === "1" ? "" : "s"} for ${student}${comment ? `, “${comment}”` : ""}`;
  const more = () => (unsent.length > 1 ? `, and ${unsent.length - 1} more` : "");
  const tellWriting = () => tell(`Being written: ${inWords(unsent[0])}${more()}.`);
  const listRefused = () => {
    const told = refused.filter((each) => !each.isShown);
    if (told.length) document.querySelector("main").before(list);
    else list.remove();
    list.replaceChildren(...told.map((each) => {
      const link = Object.assign(document.createElement("a"), {href: each.here, textContent: "look at it again"});
      const text = document.createElement("p");
      text.append(`Not written: ${inWords(each)} (`, link, ")");
      return text;
    }));
  };

  // What somebody has begun stays in this tab until it is written: it outlives the way to another item, a
  // second loading and a refusal; whoever signs out takes it along, and nobody finds what another has begun.
  const whose = () => `draft ${document.querySelector(".who a")?.textContent} `;
  const draftName = (action, student) => `${whose()}${action} ${student}`;
  const draftOf = (shown) => draftName(byId("give")?.action, shown.dataset.student);
  const drafts = {
    keep(name, draft) {
      try {
        if (draft) sessionStorage.setItem(name, JSON.stringify(draft));
        else sessionStorage.removeItem(name);
      } catch { /* A browser that keeps nothing loses no more than it did before. */ }
    },
    of(name) {
      try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; }
    },
    leaveToOne(who) {
      try {
        const names = Object.keys(sessionStorage).filter((name) => name.startsWith("draft ") && !name.startsWith(who));
        names.forEach((name) => sessionStorage.removeItem(name));
      } catch { /* As above. */ }
    },
  };
  const restore = (shown) => {
    const [comment, points] = [byId("comment"), byId("points")];
    const draft = comment && drafts.of(draftOf(shown));
    if (!draft) return;
    if (comment.value === comment.defaultValue) comment.value = draft.comment;
    if (!points.value) points.value = draft.points;
  };
  document.addEventListener("input", (event) => {
    const [shown, comment, points] = [item(), byId("comment"), byId("points")];
    if (!shown || ![comment, points].includes(event.target)) return;
    const begun = comment.value !== comment.defaultValue || points.value;
    drafts.keep(draftOf(shown), begun ? {comment: comment.value, points: points.value} : null);
  });

  // A server of another version speaks with a script of its own.
  const version = (page) => page.querySelector('script[src*="/ahead.js"]')?.getAttribute("src");
  const own = version(document);
  const isOther = (page) => Boolean(page.querySelector("main.grade")) && version(page) !== own;

  const ask = async (address, why) => {
    const answer = await fetch(address, {headers: {"x-ahead": why}});
    return {answer, page: parsed(await answer.text())};
  };

  // The next item, beside the one that is read: hidden, with its frame, and without the names of its parts.
  const fetchNext = async (coming) => {
    const {answer, page} = await ask(coming.at, "next");
    const main = page.querySelector("main.grade");
    if (!answer.ok || !main || ahead !== coming || isOther(page)) return;
    // Whoever goes round the end comes to those whose points are on their way.
    if (main.dataset.student === item().dataset.student || decided.has(main.dataset.student)) return;
    main.hidden = main.inert = true;
    [main, ...main.querySelectorAll("[id]")].forEach((each) => {
      each.dataset.id = each.id;
      each.removeAttribute("id");
    });
    item().after(document.adoptNode(main));
    Object.assign(coming, {main, title: page.title});
  };
  const prepare = () => {
    const at = item()?.dataset.ahead;
    if (ahead && ahead.at === at) return;
    ahead?.main?.remove();
    ahead = at ? {at, main: null} : null;
    if (ahead) ahead.ready = fetchNext(ahead).catch(() => {});
  };

  const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", {...key, bubbles: true}));
  const isBehind = () => Boolean(unsent.length || item()?.dataset.stale);
  const arrived = () => {
    turning = null;
    const shown = item();
    if (shown) restore(shown);
    window.scrollTo(0, 0);
    const heading = byId("h-answer") ?? document.querySelector("main h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({preventScroll: true});
    prepare();
    const keys = held;
    held = [];
    keys.forEach(press);
  };
  let here = location.pathname + location.search;
  const goTo = (address) => {
    if (address) history.pushState(null, "", address);
    here = location.pathname + location.search;
  };
  const begin = (what) => {
    turning = what;
    document.querySelector("main").inert = true;
  };
  const stay = () => {
    turning = null;
    held = [];
    document.querySelector("main").inert = false;
  };

  // Shows what was fetched ahead. What of it hangs on others is as old as that, until `renew` has come.
  const step = (coming, address) => {
    const {main, title} = coming;
    item().remove();
    [main, ...main.querySelectorAll("[data-id]")].forEach((each) => {
      each.id = each.dataset.id;
      delete each.dataset.id;
    });
    main.hidden = main.inert = false;
    main.dataset.stale = "yes";
    document.title = title;
    ahead = null;
    goTo(address ?? main.dataset.here);
    arrived();
  };
  // Shows a page of the server's whole.
  const show = (page, address) => {
    ahead = null;
    document.body.replaceChildren(...[...page.body.childNodes].map((each) => document.adoptNode(each)));
    document.body.className = `${page.body.className} scripted`;
    document.title = page.title;
    goTo(address);
    document.body.append(line);
    listRefused();
    arrived();
  };
  // Brings what hangs on others up to date, and leaves alone what somebody has begun to write.
  const renew = (page, shown) => {
    const fresh = isOther(page) ? null : page.querySelector("main.grade");
    if (!fresh || shown !== item() || fresh.dataset.student !== shown.dataset.student) return;
    // Whose points were written meanwhile is gone on from, and not told of them as of somebody else's.
    if (turning?.student === shown.dataset.student) return;
    shown.querySelectorAll("[data-renew]").forEach((part) => {
      const focus = [...part.querySelectorAll("a, button")].indexOf(document.activeElement);
      const now = fresh.querySelector(`[data-renew="${part.dataset.renew}"]`);
      part.replaceChildren(...(now ? now.childNodes : []));
      part.querySelectorAll("a, button")[focus]?.focus();
    });
    const overtaken = fresh.dataset.seen !== shown.dataset.seen || !fresh.querySelector("#give") !== !byId("give");
    if (overtaken) {
      // Points that are on their way to the key are not for what somebody else has decided meanwhile: sent
      // with what is on screen, they are answered with both versions.
      const again = Object.assign(document.createElement("a"), {href: shown.dataset.here, textContent: "Look again"});
      const told = Object.assign(document.createElement("p"), {className: "notice"});
      told.append("This was decided or judged otherwise meanwhile. ", again);
      shown.querySelector('[data-renew="others"]').append(told);
    }
    shown.querySelectorAll('[name="seen"]').forEach((field) => { field.value = shown.dataset.seen; });
    const next = fresh.querySelector('#give [name="next"]');
    if (next && byId("give")) byId("give").querySelector('[name="next"]').value = next.value;
    shown.dataset.ahead = fresh.dataset.ahead ?? "";
    delete shown.dataset.stale;
    prepare();
  };
  const refresh = async () => {
    const shown = item();
    try {
      const {answer, page} = await ask(shown.dataset.here, "shown");
      if (answer.ok) renew(page, shown);
    } catch { /* Whoever needs it is told then. */ }
  };
  // Until everything is written and what is shown is of after it.
  const settled = async () => {
    while (unsent.length) await new Promise((resolve) => { waiting.push(resolve); });
    if (item()?.dataset.stale) await refresh();
  };
  const visit = async (address, push) => {
    begin("a page");
    await settled();
    try {
      const {page} = await ask(address, "shown");
      if (!page.querySelector("#main")) throw new Error("none of ours");
      if (isOther(page)) location.assign(address);
      else show(page, push ? address : "");
    } catch {
      stay();
      tell("The server does not answer: this is still the item from before.", true);
    }
  };
  const afterwards = async (act) => {
    begin("what is written");
    await settled();
    const keys = held;
    stay();
    if (isBehind()) tell("The server does not answer: nothing was done.", true);
    else {
      held = keys;
      act();
      // What leads elsewhere takes no keys along.
      if (!turning) held = [];
    }
  };

  const next = async (link) => {
    const coming = ahead;
    if (coming && !coming.main) {
      begin("the next");
      await coming.ready;
    }
    if (coming?.main && coming === ahead) {
      step(coming);
      await refresh();
    } else await visit(link.href, true);
  };
  document.addEventListener("click", (event) => {
    // Who clicks twice means one item, though another lies under the second click.
    if (event.detail > 1 && item() && event.target.closest("[data-give] button, .steps a")) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const link = event.target.closest("a[href]");
    const other = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || other || link.target || link.getAttribute("href").startsWith("#")) return;
    if (item() && (link.id === "next" || link.id === "previous")) {
      event.preventDefault();
      if (turning) return;
      if (link.id === "next") next(link);
      else visit(link.href, true);
    } else if (unsent.length) {
      event.preventDefault();
      if (!turning) afterwards(() => link.click());
    }
  }, true);
  window.addEventListener("popstate", () => {
    if (location.pathname + location.search !== here) visit(location.href, false);
  });

  const decide = (form, button, shown) => {
    const body = new URLSearchParams(new FormData(form, button));
    const points = body.get(body.get("give") === "other" ? "other" : "points").trim().replace(",", ".");
    const decision = {
      body, points,
      url: form.action, student: body.get("student"), comment: body.get("comment").trim(),
      here: shown.dataset.here, draft: draftOf(shown),
    };
    drafts.keep(decision.draft, {comment: decision.comment, points});
    unsent.push(decision);
    decided.add(decision.student);
    begin(decision);
    // What the server will not take stays in sight until it has said so.
    const sure = points !== "" && Number(points) >= 0 && Number(points) <= Number(shown.dataset.most);
    const coming = sure ? ahead : null;
    const go = () => {
      if (turning === decision && coming.main && coming === ahead) step(coming, coming.at);
    };
    if (coming?.main) go();
    else coming?.ready.then(go);
    if (unsent.length > 1 && !line.classList.contains("bad")) tellWriting();
    send();
  };
  document.addEventListener("submit", (event) => {
    const [form, button, shown] = [event.target, event.submitter, item()];
    if (form.action.endsWith("/logout")) sessionStorage.clear();
    const mine = shown?.contains(form) && "give" in form.dataset;
    // What is to be done again or undone is one's last, which the page may not know yet.
    const newest = ["repeat", "undo"].includes(form.id) && shown?.dataset.stale;
    if (!turning && mine && !newest && !(form.id === "repeat" && unsent.length)) decide(form, button, shown);
    else if (turning) { /* One decision of an item. */ }
    else if (unsent.length || newest) {
      const id = form.id;
      afterwards(() => (id ? byId(id)?.querySelector("button") : button)?.click());
    } else {
      const student = form.querySelector('[name="student"]')?.value;
      if (student && form.querySelector('[name="seen"]')) drafts.keep(draftName(form.action, student), null);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // Keys for an item that is not there yet are kept: points and `n`, and nothing that could be meant as text.
  let closed = false;
  document.addEventListener("keydown", (event) => {
    const {key, code, shiftKey} = event;
    if (!turning) closed = false;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!turning) {
      // One's last is known once it is written, to the page that shows what it was.
      const used = shiftKey && /^Digit[1-9]$/.test(code) && !item()?.querySelector(`[data-used="${code.slice(-1)}"]`);
      if (!("u.".includes(key) || used) || event.target.closest("input, textarea") || !isBehind()) return;
      event.stopPropagation();
      afterwards(() => press({key, code, shiftKey}));
      return;
    }
    event.stopPropagation();
    if (key === "Shift" || event.repeat) return;
    closed ||= !(/^[0-9hn.]$/.test(key) || (shiftKey && /^Digit/.test(code))) || Number(item()?.dataset.most) >= 10;
    if (!closed) held.push({key, code, shiftKey});
  }, true);
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  window.addEventListener("beforeunload", (event) => { if (unsent.length) event.preventDefault(); });

  const isWritten = (answer, page, {student}) => {
    if (answer.status === 204) return true;
    if (!answer.redirected) return answer.ok && Boolean(page.querySelector("main[data-at]"));
    const to = new URL(answer.url);
    return /\/grade\/[^/]+$/.test(to.pathname) && to.searchParams.get("before") === student;
  };
  const refuse = (decision, page, status) => {
    refused.push(decision);
    const left = held.length;
    held = [];
    tell(left ? "Keys that were pressed since then were not taken." : "");
    if (refused.length === 1 && page.querySelector("#main")) {
      show(page, decision.here);
      // Both of these pages have what was to be written in them.
      decision.isShown = [409, 422].includes(status);
    } else if (turning) stay();
    if (!page.querySelector("#main")) tell(`The server answered ${status} to ${inWords(decision)}.`, true);
  };
  let sending = false;
  const send = async () => {
    if (sending) return;
    sending = true;
    for (let wait = 1; unsent.length;) {
      const decision = unsent[0];
      // The page of the next is wanted where it is not there; of what is shown, where nobody has gone on.
      const shown = item();
      const wanted = unsent.length > 1 ? "none" : turning === decision || !shown ? "page" : "shown";
      decision.body.set("answer", wanted);
      if (wanted === "shown") decision.body.set("next", shown.dataset.student);
      if (wait === 1) tellWriting();
      let answer = null;
      let page = null;
      try {
        const [headers, body] = [{"x-ahead": "shown"}, decision.body];
        // It is not broken off with the page; browsers do this up to 64 KiB.
        const keepalive = body.toString().length < 60000;
        answer = await fetch(decision.url, {method: "POST", body, headers, keepalive});
        page = parsed(await answer.text());
      } catch {
        answer = null;
      }
      if (!answer || [429, 502, 503, 504].includes(answer.status)) {
        // Whether it came to the server is not known: sent again as such, it is not written a second time.
        decision.body.set("again", "yes");
        const why = answer ? "The server takes nothing at the moment" : "The server does not answer";
        tell(`Not written yet: ${inWords(decision)}${more()}. ${why}; it is tried again. Leave this page open.`, true);
        await pause(wait);
        wait = Math.min(2 * wait, 15);
        continue;
      }
      wait = 1;
      unsent.shift();
      if (isWritten(answer, page, decision)) {
        drafts.keep(decision.draft, null);
        if (refused.some((each) => each.student === decision.student)) {
          refused.splice(0, refused.length, ...refused.filter((each) => each.student !== decision.student));
        }
        tell(`Written: ${inWords(decision)}.`);
        if (turning === decision) show(page, page.querySelector("main[data-at]")?.dataset.at ?? answer.url);
        else if (item()) renew(page, item());
      } else refuse(decision, page, answer.status);
      listRefused();
    }
    sending = false;
    const then = waiting;
    waiting = [];
    then.forEach((resolve) => resolve());
  };

  document.body.append(line);
  drafts.leaveToOne(whose());
  const first = item();
  if (first) restore(first);
  // The next does not take the line from what is read now.
  if (document.readyState === "complete") prepare();
  else window.addEventListener("load", prepare);
})();
