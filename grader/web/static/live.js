"use strict";
// Figures that stay true while they are looked at: asked for again with the newest row that they know.
(() => {
  const figures = document.getElementById("figures");
  const stale = document.getElementById("stale");
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(`${figures.dataset.from}?after=${figures.dataset.row}`);
    if (answer.status !== 200) return;
    const told = await answer.json();
    figures.dataset.row = told.row;
    figures.innerHTML = told.html;
    stale.hidden = false;
  };
  setInterval(() => { ask().catch(() => {}); }, 2000);
  document.addEventListener("visibilitychange", () => { ask().catch(() => {}); });
})();
