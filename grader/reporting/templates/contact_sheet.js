"use strict";
(() => {
  const command = document.getElementById("command");
  if (!command) return;
  const shots = [...document.querySelectorAll(".shot")];
  document.body.classList.add("scripted");
  const chosen = (word) => shots.filter((shot) => shot.querySelector(`input[value="${word}"]`).checked)
    .map((shot) => shot.dataset.tag).join(",");
  const tell = () => {
    const parts = [["--accept", chosen("accept")], ["--doubt", chosen("doubt")]];
    const said = parts.filter(([, tags]) => tags).map(([option, tags]) => ` ${option} ${tags}`).join("");
    command.textContent = command.dataset.command + (said || " --accept TAGS --doubt TAGS");
  };
  const go = (shot) => {
    if (!shot) return;
    shot.focus();
    shot.scrollIntoView({block: "center"});
  };
  const at = () => shots.indexOf(document.activeElement.closest(".shot"));
  const open = (shot) => shot.classList.contains("hinted") && shot.querySelector('input[value=""]').checked;
  const next = () => go(shots.slice(at() + 1).find(open) || shots.find(open));
  const choose = (word) => {
    if (at() < 0) return;
    shots[at()].querySelector(`input[value="${word}"]`).checked = true;
    tell();
    if (word) next();
  };
  const keys = {
    n: next, a: () => choose("accept"), d: () => choose("doubt"), u: () => choose(""),
    ArrowRight: () => go(shots[Math.min(at() + 1, shots.length - 1)]),
    ArrowLeft: () => go(shots[Math.max(at() - 1, 0)]),
  };
  document.addEventListener("change", tell);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  tell();
})();
