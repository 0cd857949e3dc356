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

// The proof of an order: one page at a time, zoomed and moved by wheel, fingers, keys and buttons.
(() => {
  const MOST = 8, STEP = 1.35;
  const begin = (viewer) => {
    if (viewer.dataset.begun) return;
    viewer.dataset.begun = "yes";
    viewer.classList.add("viewer-on");
    viewer.querySelector("[data-viewer-bar]").hidden = false;
    viewer.querySelector("[data-viewer-hint]").hidden = false;
    const sheets = [...viewer.querySelectorAll("[data-sheet]")], told = viewer.querySelector("[data-zoom-told]");
    const guides = viewer.querySelector("[data-guides]");
    const glasses = sheets.map((sheet) => ({ sheet, glass: sheet.querySelector("[data-glass]"), image: sheet.querySelector("img"), zoom: 1, x: 0, y: 0, fingers: new Map() }));
    let shown = glasses[0];

    // What fits is 100 %; nothing is ever moved out of the glass.
    const place = (view) => {
      const box = view.glass.getBoundingClientRect(), wide = view.image.naturalWidth, tall = view.image.naturalHeight;
      if (!wide || !box.width) return;
      const room = 14, fit = Math.min((box.width - 2 * room) / wide, (box.height - 2 * room) / tall), scale = fit * view.zoom;
      const keep = (at, size, space) => size <= space ? (space - size) / 2 : Math.min(room, Math.max(space - size - room, at));
      view.fit = fit;
      view.x = keep(view.x, wide * scale, box.width);
      view.y = keep(view.y, tall * scale, box.height);
      view.image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${scale})`;
      view.glass.classList.toggle("viewer-zoomed", view.zoom > 1);
      if (view === shown) told.textContent = `${Math.round(view.zoom * 100)} %`;
      if (scale * devicePixelRatio > 1.15) fine(view);
    };
    const zoom = (view, factor, x, y) => {
      const box = view.glass.getBoundingClientRect(), before = view.zoom;
      view.zoom = Math.min(MOST, Math.max(1, before * factor));
      const grown = view.zoom / before, cx = x ?? box.width / 2, cy = y ?? box.height / 2;
      view.x = cx - (cx - view.x) * grown;
      view.y = cy - (cy - view.y) * grown;
      place(view);
    };
    const fit = (view) => { view.zoom = 1; place(view); };
    const move = (view, x, y) => { view.x += x; view.y += y; place(view); };

    // A finer picture, once somebody looks closer; the old one stays until it is there.
    const want = (view, address) => {
      if (view.wanted === address) return;
      view.wanted = address;
      const made = new Image();
      made.addEventListener("load", () => {
        if (view.wanted !== address) return;
        const middle = { x: (view.glass.clientWidth / 2 - view.x) / (view.image.naturalWidth * view.fit * view.zoom || 1), y: (view.glass.clientHeight / 2 - view.y) / (view.image.naturalHeight * view.fit * view.zoom || 1) };
        view.image.addEventListener("load", () => {
          place(view);
          view.x = view.glass.clientWidth / 2 - middle.x * view.image.naturalWidth * view.fit * view.zoom;
          view.y = view.glass.clientHeight / 2 - middle.y * view.image.naturalHeight * view.fit * view.zoom;
          place(view);
        }, { once: true });
        view.image.src = address;
      }, { once: true });
      made.src = address;
    };
    const plain = (view) => guides.checked ? view.image.dataset.guided : view.image.dataset.plain;
    const fine = (view) => { const at = plain(view); want(view, at + (at.includes("?") ? "&" : "?") + view.image.dataset.fine); };

    const show = (name) => {
      for (const view of glasses) {
        view.sheet.hidden = view.sheet.dataset.sheet !== name;
        if (!view.sheet.hidden) shown = view;
      }
      for (const each of viewer.querySelectorAll("[data-sheet-choice]")) each.setAttribute("aria-pressed", String(each.dataset.sheetChoice === name));
      place(shown);
    };
    viewer.addEventListener("click", (event) => {
      const choice = event.target.closest("[data-sheet-choice]"), button = event.target.closest("[data-zoom]");
      if (choice) show(choice.dataset.sheetChoice);
      if (!button) return;
      if (button.dataset.zoom === "fit") fit(shown);
      else zoom(shown, button.dataset.zoom === "in" ? STEP : 1 / STEP);
    });
    guides.addEventListener("change", () => { for (const view of glasses) { view.wanted = ""; if (view.zoom > 1) fine(view); else want(view, plain(view)); } });

    for (const view of glasses) {
      const { glass, image, fingers } = view;
      glass.tabIndex = 0;
      glass.setAttribute("role", "group");
      glass.setAttribute("aria-label", `${image.alt}; plus and minus zoom, arrows move, 0 fits`);
      image.addEventListener("load", () => place(view));
      new ResizeObserver(() => place(view)).observe(glass);
      glass.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== glass) return;
        if (view.zoom === 1 && event.deltaY > 0 && !event.ctrlKey) return; // there is nothing to make smaller: the page moves
        event.preventDefault();
        const box = glass.getBoundingClientRect();
        zoom(view, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0022)), event.clientX - box.left, event.clientY - box.top);
      }, { passive: false });
      glass.addEventListener("dblclick", (event) => {
        const box = glass.getBoundingClientRect();
        if (view.zoom > 1) fit(view);
        else zoom(view, 2.5, event.clientX - box.left, event.clientY - box.top);
      });
      glass.addEventListener("keydown", (event) => {
        const by = 60, moves = { ArrowLeft: [by, 0], ArrowRight: [-by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] };
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "+" || event.key === "=") zoom(view, STEP);
        else if (event.key === "-") zoom(view, 1 / STEP);
        else if (event.key === "0") fit(view);
        else if (moves[event.key] && view.zoom > 1) move(view, ...moves[event.key]);
        else return;
        event.preventDefault();
      });
      // One finger or the mouse moves it, two pinch it.
      const spread = () => {
        const [a, b] = [...fingers.values()];
        return { far: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
      };
      glass.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        glass.focus({ preventScroll: true });
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (view.zoom > 1 || fingers.size > 1) glass.setPointerCapture(event.pointerId);
        glass.classList.toggle("viewer-held", view.zoom > 1);
      });
      glass.addEventListener("pointermove", (event) => {
        const last = fingers.get(event.pointerId);
        if (!last) return;
        const box = glass.getBoundingClientRect(), before = fingers.size === 2 ? spread() : null;
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (before) {
          const now = spread();
          zoom(view, now.far / (before.far || 1), now.x - box.left, now.y - box.top);
          move(view, now.x - before.x, now.y - before.y);
        } else if (view.zoom > 1) move(view, event.clientX - last.x, event.clientY - last.y);
      });
      const lift = (event) => { fingers.delete(event.pointerId); glass.classList.remove("viewer-held"); };
      glass.addEventListener("pointerup", lift);
      glass.addEventListener("pointercancel", lift);
      glass.addEventListener("touchstart", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });
      image.draggable = false;
    }
    show(shown.sheet.dataset.sheet);
  };
  const look = (within) => { for (const viewer of within.querySelectorAll("[data-viewer]")) begin(viewer); };
  look(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.target.matches?.("[data-viewer]")) begin(event.target);
    look(event.target);
  });
})();

// Where the eye rests in a photo: a click into it, or the two fields.
(() => {
  for (const field of document.querySelectorAll("[data-focus]")) {
    const glass = field.querySelector("[data-focus-glass]"), eye = field.querySelector("[data-focus-eye]");
    const across = field.querySelector("[data-focus-x]"), down = field.querySelector("[data-focus-y]");
    if (!glass || !across || !down) continue;
    const image = glass.querySelector("img");
    const show = () => {
      const x = Number.parseFloat(across.value), y = Number.parseFloat(down.value);
      eye.hidden = !(x >= 0 && x <= 100 && y >= 0 && y <= 100);
      eye.style.left = `${x}%`;
      eye.style.top = `${y}%`;
    };
    glass.classList.add("order-focus-on");
    image.addEventListener("click", (event) => {
      const box = image.getBoundingClientRect();
      across.value = ((event.clientX - box.left) / box.width * 100).toFixed(1).replace(/\.0$/, "");
      down.value = ((event.clientY - box.top) / box.height * 100).toFixed(1).replace(/\.0$/, "");
      show();
    });
    across.addEventListener("input", show);
    down.addEventListener("input", show);
    show();
  }
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

// page: scan. A scanner types a code and Enter. The page answers by what it knows itself, then by what the store says;
// codes are kept here (also over a reload) and sent in bundles, which the store knows by their digest: sent twice is once.
(() => {
  const box = document.querySelector("[data-scan]");
  if (!box) return;
  const find = (name) => box.querySelector(`[data-scan-${name}]`);
  const form = find("form"), input = form.elements.code, pairBox = find("pair"), verdict = find("verdict"), alarm = find("alarm");
  const undo = find("undo"), line = find("line"), at = box.dataset.at, ours = box.dataset.code, pieces = Number(box.dataset.pieces);
  const csrf = form.elements.csrf.value, place = `scan ${box.dataset.scan}`, SETTLE = 6000, MOST = 200;
  let kept = { queue: [], bundles: [], seen: {} }, waiting = null, sending = false, retry = 0, alarmed = null, last = [], sound = null, typedAt = 0;
  try { kept = { ...kept, ...JSON.parse(localStorage.getItem(place) || "{}") }; } catch { /* begin anew */ }
  form.hidden = verdict.hidden = false;
  find("list").open = false;

  const keep = () => { try { localStorage.setItem(place, JSON.stringify(kept)); } catch { /* kept in the page alone */ } };
  const stage = () => form.elements.stage.value;
  const words = () => form.querySelector("input[name=stage]:checked + span").textContent;
  const read = (text) => {
    const code = text.trim().toUpperCase(), match = /^CP1([0-9A-Z]{4})(\d{6})([OIE])$/.exec(code);
    if (match) return { code, batch: match[1], seq: Number(match[2]), side: match[3] === "E" ? "envelope" : "card" };
    return /^\d{1,6}$/.test(code) ? { code, batch: ours, seq: Number(code), side: "code" } : null;
  };
  const ask = async (path, fields) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const answer = await fetch(`${at}/${path}`, { method: "POST", body, keepalive: path === "send", headers: { "x-csrf": csrf, accept: "application/json" } });
    if (!(answer.headers.get("content-type") || "").includes("json")) throw new Error(answer.redirected ? "login" : "broken");
    return answer.json();
  };

  // sound: a tick for good, an alarm that repeats until somebody came
  const tone = (pitch, seconds, shape, begin = 0) => {
    try {
      sound = sound || new AudioContext();
      const source = sound.createOscillator(), loud = sound.createGain(), start = sound.currentTime + begin;
      source.type = shape; source.frequency.value = pitch;
      loud.gain.setValueAtTime(0.25, start); loud.gain.exponentialRampToValueAtTime(0.001, start + seconds);
      source.connect(loud).connect(sound.destination); source.start(start); source.stop(start + seconds);
    } catch { /* a machine without sound */ }
  };
  const howl = () => { tone(220, 0.35, "sawtooth"); tone(165, 0.45, "sawtooth", 0.3); };

  const show = (kind, number, name, more) => {
    verdict.className = `verdict${kind ? ` verdict-${kind}` : ""}`;
    verdict.querySelector(".verdict-number").textContent = number;
    verdict.querySelector(".verdict-name").textContent = name;
    verdict.querySelector(".verdict-more").textContent = more || "";
  };
  const list = () => {
    find("last-box").hidden = !last.length;
    find("last").replaceChildren(...last.slice(0, 8).map((one) => {
      const item = document.createElement("li");
      item.textContent = `${one.seq} ${one.name || ""}`;
      if (kept.queue.some((each) => each.t === one.t)) item.className = "waits";
      return item;
    }));
    undo.disabled = !kept.queue.length;
    const ruined = [...new Set(last.filter((one) => one.stage === "spoiled").map((one) => one.seq))];
    find("remake-box").hidden = !ruined.length;
    find("remake").search = new URLSearchParams({ pieces: ruined.join(",") });
    const waits = kept.queue.length + kept.bundles.reduce((sum, each) => sum + each.scans.length, 0);
    line.textContent = retry ? `No line to the shop: ${waits} codes are kept here and sent when it is back.` : waits > 1 ? `${waits} codes wait to be sent.` : "";
  };

  // red
  const stop = (code, numbers, what, remedy, codes) => {
    alarmed = { code, codes };
    waiting = null;
    find("alarm").querySelector("[data-alarm-pair]").replaceChildren(...numbers.map(([label, number]) => {
      const part = document.createElement("div"), tall = document.createElement("b");
      tall.textContent = number;
      part.append(label, tall);
      return part;
    }));
    alarm.querySelector("[data-alarm-what]").textContent = what;
    alarm.querySelector("[data-alarm-remedy]").textContent = remedy || "";
    if (!alarm.open) alarm.showModal();
    alarm.querySelector("#alarm-head").focus();
    show("", "–", "Look at the red screen first.", "");
    howl();
    clearInterval(stop.again);
    stop.again = setInterval(howl, 1600);
  };
  const told = (answer, seen) => {
    const first = (answer.findings || [])[0] || { code: "", where: "", message: answer.problem, remedy: "" };
    const numbers = seen ? seen.map((one) => [one.side === "code" ? "number" : one.side, one.seq]) : [];
    stop(first.code, numbers, `${first.where} ${first.message}`.trim(), first.remedy, seen ? seen.map((one) => one.code) : []);
  };
  const calm = async (slip) => {
    const was = alarmed;
    alarmed = null;
    clearInterval(stop.again);
    alarm.close();
    show("", "–", slip ? "Scan it again." : "The batch is being held.", "");
    input.focus();
    try {
      const answer = await ask("stop", { slip: slip ? "yes" : "no", code: was.code, codes: was.codes.join(" ") });
      if (answer.held) show("warn", "held", "The batch is held.", "Find both envelopes, then resume it on its page.");
    } catch { if (!slip) show("warn", "!", "The shop could not be told: no line.", "Stop the inserter, and hold the batch on its page."); }
  };
  alarm.addEventListener("cancel", (event) => event.preventDefault());
  alarm.querySelector("[data-alarm-slip]").addEventListener("click", () => calm(true));
  alarm.querySelector("[data-alarm-stop]").addEventListener("click", () => calm(false));
  alarm.addEventListener("keydown", (event) => {  // a scanner that goes on typing presses no button
    if (event.key.length === 1 && event.key !== " ") { typedAt = performance.now(); event.preventDefault(); }
    const hurried = performance.now() - typedAt < 400;
    if ((event.key === "Enter" || event.key === " ") && hurried) { event.preventDefault(); howl(); }
  });

  // one code
  const take = (text) => {
    if (alarm.open || !text.trim()) return;
    const one = read(text);
    if (!one) return stop("scan.unreadable", [], `“${text.trim().slice(0, 24)}” is no match code and no number.`, "Scan it again.", []);
    if (one.batch !== ours) return stop("scan.other_batch", [[one.side, one.seq]], `${one.code} belongs to another batch.`, "Take it out: it is a stranger's here.", [one.code]);
    if (one.seq < 1 || one.seq > pieces) return stop("scan.unknown", [[one.side, one.seq]], `Number ${one.seq} is not in this batch.`, "Look the number up in the newest manifest.", [one.code]);
    if (pairBox.checked && one.side !== "code") {
      if (!waiting) {
        waiting = one;
        tone(660, 0.06, "sine");
        return show("", one.seq, `${one.side === "card" ? "Card" : "Envelope"} ${one.seq}. Now its ${one.side === "card" ? "envelope" : "card"}.`, "");
      }
      const first = waiting;
      waiting = null;
      if (first.side === one.side) return stop("scan.doubled", [[first.side, first.seq], [one.side, one.seq]], `These are two ${one.side}s, no pair.`, "Scan a card and then its envelope.", [first.code, one.code]);
      if (first.code.slice(0, 13) !== one.code.slice(0, 13)) return stop("scan.pair_disagrees", [[first.side, first.seq], [one.side, one.seq]], "Card and envelope do not belong together.", "Stop the inserter and look at both: a wrong pair is a stranger's card.", [first.code, one.code]);
      return accept([first, one]);
    }
    return accept([one]);
  };
  const accept = async (seen) => {
    const seq = seen[0].seq, what = stage(), key = `${what} ${seq}`, before = kept.seen[key] || [];
    const sides = seen.map((one) => one.side);
    if (sides.some((side) => before.includes(side) || side === "code" && before.length)) {
      return stop("scan.doubled", seen.map((one) => [one.side, one.seq]), `Number ${seq} was scanned as ${words().toLowerCase()} before.`, "The same piece scanned twice, or two pieces with one code?", seen.map((one) => one.code));
    }
    const scan = { t: Date.now() + Math.random(), stage: what, seq };
    for (const one of seen) scan[one.side] = one.code;
    settle();
    kept.queue.push(scan);
    kept.seen[key] = [...before, ...sides];
    if (what === "spoiled") for (const name of ["printed", "inserted"]) delete kept.seen[`${name} ${seq}`];
    keep();
    last.unshift(scan);
    tone(880, 0.09, "sine");
    show("good", seq, words(), retry ? "kept here; no line to the shop" : "");
    list();
    clearTimeout(accept.later);
    accept.later = setTimeout(() => settle(), SETTLE);
    try {
      const answer = await ask("look", { stage: what, card: scan.card || "", envelope: scan.envelope || "", code: scan.code || "" });
      if (!kept.queue.includes(scan) && !answer.ok) return;
      if (!answer.ok) { drop(scan); return told(answer, seen); }
      scan.name = answer.name;
      if (last[0] === scan && !alarm.open) show(answer.before ? "warn" : "good", seq, answer.name, answer.before ? `had come so far before · ${answer.design}` : `${words()} · ${answer.design}`);
      list();
    } catch (problem) { if (problem.message === "login") line.textContent = "You are logged out. Your codes are kept here: log in again in another tab."; }
  };
  const drop = (scan) => {
    kept.queue = kept.queue.filter((one) => one !== scan);
    last = last.filter((one) => one !== scan);
    delete kept.seen[`${scan.stage} ${scan.seq}`];
    keep(); list();
  };

  // bundles: all but the last scan, which may still be taken back
  const settle = () => {
    const ready = kept.queue.splice(0);
    while (ready.length) {
      const what = ready[0].stage, scans = [];
      while (ready.length && ready[0].stage === what && scans.length < MOST) scans.push(ready.shift());
      kept.bundles.push({ stage: what, scans });
    }
    keep();
    send();
  };
  // What stands behind the named columns is not read: the moment makes two sights of one piece two different lists.
  const csv = (bundle) => ["card,envelope,code", ...bundle.scans.map((one) => [one.card || "", one.envelope || "", one.code || "", one.t].join(","))].join("\n") + "\n";
  const send = async () => {
    if (sending || !kept.bundles.length) return list();
    sending = true;
    const bundle = kept.bundles[0];
    try {
      const answer = await ask("send", { stage: bundle.stage, view: stage(), list: csv(bundle) });
      kept.bundles.shift();
      retry = 0;
      if (answer.ok) count(answer);
      else if (bundle.scans.length > 1) kept.bundles.unshift(...bundle.scans.map((one) => ({ stage: bundle.stage, scans: [one] })));
      else { const one = bundle.scans[0]; delete kept.seen[`${one.stage} ${one.seq}`]; told(answer, ["card", "envelope", "code"].filter((side) => one[side]).map((side) => ({ side, seq: one.seq, code: one[side] }))); }
      keep();
      sending = false;
      list();
      if (kept.bundles.length) send();
    } catch (problem) {
      sending = false;
      retry = Math.min(30000, Math.max(2000, retry * 2));
      list();
      if (problem.message === "login") line.textContent = "You are logged out. Your codes are kept here: log in again in another tab.";
      clearTimeout(send.later);
      send.later = setTimeout(send, retry);
    }
  };
  const count = (answer) => {
    for (const slot of box.querySelectorAll("[data-count]")) slot.textContent = Number(answer[slot.dataset.count]).toLocaleString("en");
    find("missing").textContent = answer.missing || "none";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const text = input.value;
    input.value = "";
    take(text);
  }, true);
  undo.addEventListener("click", () => {
    const scan = kept.queue[kept.queue.length - 1];
    if (scan) { drop(scan); show("", "–", `${scan.seq} was taken back.`, ""); }
    input.focus();
  });
  find("keys").addEventListener("click", () => { input.inputMode = "text"; input.blur(); input.focus(); });
  const turned = () => { pairBox.checked = stage() === "inserted"; waiting = null; show("", "–", `${words()}: scan the first code.`, ""); };
  for (const radio of form.querySelectorAll("input[name=stage]")) radio.addEventListener("change", () => {
    settle(); turned(); input.focus();
    ask("count", { view: stage() }).then((answer) => { if (answer.ok) count(answer); }, () => { /* with the next bundle */ });
    const list = document.getElementById("list-stage");
    list.value = stage();
  });
  addEventListener("online", send);
  addEventListener("pagehide", () => settle());
  document.addEventListener("keydown", (event) => {  // a scanner types wherever the cursor is
    if (alarm.open || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, summary")) return;
    if (event.key.length === 1 && event.key !== " ") input.focus();
  });
  turned();
  input.focus();
  settle();

  // camera: the browser reads the code itself where it can; else grey pixels go to the shop, which reads them
  const button = find("camera"), video = find("video"), fresh = new Map();
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  button.hidden = false;
  let stream = null, eye = null;
  const grey = () => {
    const width = 640, height = 480, board = document.createElement("canvas");
    board.width = width; board.height = height;
    const pen = board.getContext("2d", { willReadFrequently: true }), scale = Math.max(width / video.videoWidth, height / video.videoHeight);
    const wide = video.videoWidth * scale, high = video.videoHeight * scale;
    pen.drawImage(video, (width - wide) / 2, (height - high) / 2, wide, high);
    const rgba = pen.getImageData(0, 0, width, height).data, light = new Uint8Array(width * height);
    for (let i = 0, j = 0; i < light.length; i += 1, j += 4) light[i] = (rgba[j] * 77 + rgba[j + 1] * 150 + rgba[j + 2] * 29) >> 8;
    return { width, height, frame: new Blob([light], { type: "application/octet-stream" }) };
  };
  const glance = async () => {
    if (!stream) return;
    try {
      if (video.videoWidth && !alarm.open) {
        const codes = eye ? (await eye.detect(video)).map((one) => one.rawValue) : (await ask("frame", grey())).codes || [];
        const now = performance.now();
        for (const code of codes) {
          const known = now - (fresh.get(code) || -1e9) < 4000;
          fresh.set(code, now);
          if (!known) take(code);
        }
      }
    } catch { /* the next one */ }
    setTimeout(glance, eye ? 150 : 350);
  };
  button.addEventListener("click", async () => {
    if (stream) { for (const track of stream.getTracks()) track.stop(); stream = null; video.hidden = true; button.textContent = "Use the camera"; return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
      if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("data_matrix")) eye = new BarcodeDetector({ formats: ["data_matrix"] });
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      button.textContent = "Camera off";
      glance();
    } catch { line.textContent = "The camera cannot be used: it is missing, or its use was not allowed."; }
  });
})();
