// What the console does beyond its forms. Every page works without this file.
"use strict";

// Light or dark: as the machine says, unless somebody chose.
const theme = localStorage.getItem("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-theme-choice] [data-theme]");
  if (!chosen) return;
  if (chosen.dataset.theme === "auto") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", chosen.dataset.theme);
    document.documentElement.dataset.theme = chosen.dataset.theme;
  }
});

// On a narrow screen the rooms are wider than it: the one that is open is in sight.
const room = document.querySelector(".top nav [aria-current]");
if (room) room.parentElement.scrollLeft = room.offsetLeft - room.parentElement.offsetLeft - 40;

// Something changed in the shop: whoever says data-live renews itself (hx-trigger="live from:body").
(() => {
  const address = document.body.dataset.liveAt, state = document.querySelector("[data-live-state]");
  if (!address || !document.querySelector("[hx-trigger*='live']")) {
    if (state) state.hidden = true;
    return;
  }
  let source = null, poll = 0;
  const tell = () => document.body.dispatchEvent(new CustomEvent("live"));
  const say = (live) => {
    if (!state) return;
    state.classList.toggle("live-off", !live);
    state.textContent = live ? "live" : "looking every 15 seconds";
  };
  const open = () => {
    if (source) return;
    source = new EventSource(address);
    source.addEventListener("open", () => { clearInterval(poll); poll = 0; say(true); tell(); }); // what was missed
    source.addEventListener("changed", tell);
    source.addEventListener("error", () => { say(false); if (!poll) poll = setInterval(tell, 15000); });
  };
  const close = () => { if (source) source.close(); source = null; clearInterval(poll); poll = 0; };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else { open(); tell(); }
  });
  open();
})();

// Asks first: a button with data-confirm="ID" opens that dialog; within it, [data-close] closes.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-confirm]"), closer = event.target.closest("dialog [data-close]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.confirm);
    if (dialog) { event.preventDefault(); dialog.showModal(); }
  }
  if (closer) { event.preventDefault(); closer.closest("dialog").close(); }
  const back = event.target.closest("[data-back]");
  if (back && history.length > 1) { event.preventDefault(); history.back(); }
});

// Keys: data-key="/" puts the cursor there, or presses it, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const found = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
  if (!found) return;
  event.preventDefault();
  if (found.matches("input, textarea")) found.focus();
  else found.click();
});

// A box that chooses all of its list: data-all="NAME".
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-all]");
  if (all) for (const box of document.querySelectorAll(`input[name="${all.dataset.all}"]`)) box.checked = all.checked;
});

// Nobody sends a form twice by clicking twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent && !form.hasAttribute("data-again")) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});

// Imports: a file that is dropped is chosen, and the way it goes is shown.
(() => {
  const over = (event) => event.target.closest && event.target.closest("[data-drop]");
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const zone = over(event);
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("drop-over", kind === "dragenter" || kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      zone.querySelector("[data-drop-file]").files = event.dataTransfer.files;
      zone.requestSubmit();
    });
  }
  const told = (zone, text, share) => {
    const place = zone && zone.querySelector("[data-drop-progress]");
    if (!place) return;
    place.hidden = false;
    if (share === null) place.querySelector("progress").removeAttribute("value");
    else place.querySelector("progress").value = share;
    place.querySelector("[data-drop-said]").textContent = text;
  };
  document.addEventListener("htmx:xhr:progress", (event) => {
    const { loaded, total } = event.detail, zone = over(event);
    if (!total || !zone) return;
    const share = Math.floor(100 * loaded / total);
    told(zone, share < 100 ? `${share} % of ${(total / 1e6).toFixed(1)} MB are sent.` : "It is looked through.", share < 100 ? share : null);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const place = over(event) && over(event).querySelector("[data-drop-progress]");
    if (place) place.hidden = true;
  });
})();

// Imports: below a chosen column stand some of its cells; a merge field is put where the cursor is.
document.addEventListener("change", (event) => {
  if (!event.target.matches("select[data-samples]")) return;
  const place = document.querySelector(`[data-sample-of="${CSS.escape(event.target.id)}"]`);
  if (place) place.textContent = event.target.selectedOptions[0].dataset.sample;
});
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-insert-into] [data-insert]");
  if (!chosen) return;
  const into = document.getElementById(chosen.closest("[data-insert-into]").dataset.insertInto);
  into.setRangeText(chosen.dataset.insert, into.selectionStart, into.selectionEnd, "end");
  into.focus();
  into.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-import-form] input")) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// page: today. What was opened stays open when a part renews itself, and a countdown counts.
(() => {
  let opened = [];
  document.addEventListener("htmx:beforeSwap", () => { opened = [...document.querySelectorAll("details[id][open]")].map((each) => each.id); });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    count();
  });
  const count = () => {
    for (const each of document.querySelectorAll("[data-countdown]")) {
      const minutes = Math.max(0, Math.floor((Date.parse(each.dateTime) - Date.now()) / 60000));
      const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24, left = minutes % 60;
      const parts = days ? [`${days} day${days > 1 ? "s" : ""}`, hours && `${hours} h`] : [hours && `${hours} h`, left && `${left} min`];
      each.textContent = parts.filter(Boolean).join(" ") || "less than a minute";
    }
  };
  if (document.querySelector("[data-countdown]")) setInterval(count, 20000);
})();

// A form that made something is empty again.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.target.matches && event.target.matches("form[data-reset]")) event.target.reset();
});

// What is shown once can be copied with one key.
document.addEventListener("click", (event) => {
  const copier = event.target.closest("[data-copy]");
  if (!copier) return;
  const source = document.getElementById(copier.dataset.copy);
  const done = () => { copier.textContent = "Copied"; };
  if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, () => getSelection().selectAllChildren(source));
  else getSelection().selectAllChildren(source);
});
