// Keeps the list of records up to date, and "/" goes to the search. Every page
// works without this file.
"use strict";

(() => {
  const every = 4000; // milliseconds between two looks
  const region = document.getElementById("rows");
  const bar = document.getElementById("live");
  const search = document.getElementById("q");

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  if (!region || !bar || !region.dataset.live) return;
  const toggle = document.getElementById("live-toggle");
  const note = document.getElementById("live-note");
  let tag = region.dataset.live; // of what is shown
  let timer = 0;
  bar.hidden = false;

  const links = () => Array.from(region.querySelectorAll("a.resource"), (a) => a.getAttribute("href"));

  // show puts the new rows in place, marks those that were not there, and leaves
  // the focus where it was.
  const show = (html) => {
    const before = new Set(links());
    const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    region.innerHTML = html; // the server's own page, escaped there as the first one was
    let fresh = 0;
    for (const a of region.querySelectorAll("a.resource")) {
      if (focused !== null && a.getAttribute("href") === focused) a.focus({ preventScroll: true });
      if (!before.has(a.getAttribute("href"))) {
        fresh++;
        a.closest("tr").classList.add("new");
      }
    }
    if (focused !== null && !region.contains(document.activeElement)) {
      for (const a of region.querySelectorAll("a")) {
        if (a.getAttribute("href") === focused) { a.focus({ preventScroll: true }); break; }
      }
    }
    if (fresh > 0) note.textContent = fresh === 1 ? "1 new record" : fresh + " new records";
  };

  const look = async () => {
    if (document.hidden) return;
    try {
      const headers = { "Ebb-Live": "yes", "If-None-Match": '"' + tag + '"' };
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "error" });
      if (answer.status === 304) {
        if (note.dataset.lost) { note.textContent = ""; delete note.dataset.lost; }
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.text());
      tag = (answer.headers.get("ETag") || "").replaceAll('"', "");
      delete note.dataset.lost;
    } catch {
      note.dataset.lost = "yes";
      note.textContent = "Ebb does not answer; this list may be old. Reload the page to try again.";
    }
  };

  const start = () => { timer = setInterval(look, every); };
  toggle.addEventListener("click", () => {
    const on = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(on));
    clearInterval(timer);
    note.textContent = on ? "" : "paused";
    if (on) { start(); look(); }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && toggle.getAttribute("aria-pressed") === "true") look(); });
  start();
})();
