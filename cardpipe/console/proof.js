"use strict";

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
