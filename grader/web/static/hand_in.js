"use strict";
// A file can be dropped on the form, a file that is too large is told before it is sent, and how far it is stays true.
(() => {
  const form = document.querySelector("form.drop");
  if (form) {
    const input = form.querySelector("input[type=file]");
    const said = document.getElementById("said");
    const most = Number(form.dataset.most);
    form.classList.add("takes-drops");
    const look = () => {
      const file = input.files[0];
      const large = Boolean(file) && file.size > most;
      said.textContent = !file ? "" : large
        ? `${file.name} is too large: clear its outputs, save, and hand in the saved file.`
        : `${file.name}, ${file.size} bytes, ${form.dataset.ready || "is ready to be handed in"}.`;
      said.classList.toggle("bad", large);
      return !large;
    };
    input.addEventListener("change", look);
    for (const name of ["dragenter", "dragover"]) {
      form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
    }
    for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("over"));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length !== 1) {
        said.textContent = "One file, please, or one zip with all.";
        return;
      }
      input.files = event.dataTransfer.files;
      look();
    });
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent || !look()) { event.preventDefault(); return; }
      sent = true;
      said.textContent = "It is being sent.";
    });
    window.addEventListener("pageshow", () => { sent = false; });
  }

  const progress = document.getElementById("progress");
  if (!progress || progress.dataset.settled === "yes") return;
  progress.setAttribute("role", "status");
  let again = 3;
  const ask = async () => {
    if (document.hidden) return true;
    const answer = await fetch(progress.dataset.from);
    if (answer.status !== 200) return true;
    const told = await answer.json();
    if (progress.innerHTML !== told.html) progress.innerHTML = told.html;
    again = told.again_s || 3;
    return !told.settled;
  };
  const wait = () => setTimeout(() => { ask().catch(() => true).then((more) => { if (more) wait(); }); }, again * 1000);
  wait();
})();
