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
      const files = [...input.files];
      const size = files.reduce((sum, file) => sum + file.size, 0);
      const large = size > most;
      const [named, is] = files.length > 1 ? [`${files.length} files`, "are"] : [files[0]?.name, "is"];
      const remedy = input.multiple ? "resize the photos as you were asked to, and choose them again"
        : "clear its outputs, save, and hand in the saved file";
      said.textContent = !files.length ? "" : large
        ? `${named} ${is} too large: ${remedy}.`
        : `${named}, ${size} bytes, ${form.dataset.ready || `${is} ready to be handed in`}.`;
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
      const dropped = event.dataTransfer.files.length;
      if (!dropped || (dropped > 1 && !input.multiple)) {
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
