"use strict";

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
