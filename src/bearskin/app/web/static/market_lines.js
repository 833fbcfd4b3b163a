// Lines across the chart that can be taken hold of: by mouse, finger or arrow keys. Plain elements over the canvas, so
// that a screen reader and a test find them. Where one was let go is told to the page, which says whether it may stand.
(() => {
  const PENDING_MS = 8000, HIGH = 20;
  const $ = (tag, cls, text) => { const made = document.createElement(tag); made.className = cls; if (text) made.textContent = text; return made; };

  const mount = (s) => {
    s.over = s.host.querySelector(".mk-over");
    s.over.replaceChildren();
    s.elements = new Map();
    s.tags = { last: $("span", "mk-tag last num"), mark: $("span", "mk-tag mark num") };
    s.over.append(...Object.values(s.tags));
    s.bars = $("div", "mk-profile"); s.profiled = $("span", "mk-profile-said num"); s.over.append(s.bars, s.profiled);
    s.chart.on("rendered", () => place(s));
  };

  const y_of = (s, price) => s.chart.convertToPixel({ yAxisIndex: 0 }, price);
  const price_at = (s, y) => Math.round(s.chart.convertFromPixel({ yAxisIndex: 0 }, y) / s.tick) * s.tick;
  const box = (s) => {
    const high = s.chart.getHeight();
    return { top: s.narrow ? 42 : 26, bottom: high - (s.narrow ? 42 : 46), right: s.narrow ? 62 : 74 };
  };

  const show = (s, one) => {
    const reference = s.now?.mark ?? s.data.bar.at(-1)?.[1];
    const away = reference ? `${one.at >= reference ? "+" : "−"}${Math.abs((one.at / reference - 1) * 100).toFixed(2)} %` : "";
    const told = `${one.at} ${one.line.text} ${away}`;
    if (one.told === told) return;
    one.told = told; one.wide = undefined;
    const text = bearskinMarket.price(s, one.at);
    one.handle.setAttribute("aria-valuenow", one.at.toFixed(s.digits));
    one.handle.setAttribute("aria-valuetext", text);
    one.words.textContent = one.line.text;
    one.figure.textContent = text;
    one.away.textContent = away;
  };

  const make = (s, line) => {
    const one = { line, at: line.price, pending: null, dragging: false };
    one.root = $("div", "mk-line");
    one.rule = $("span", "mk-rule");
    one.handle = $(line.held ? "span" : "button", "mk-hold num");
    one.grip = $("span", "mk-grip", line.held ? "" : "⠿");
    one.words = $("span", "mk-words"); one.figure = $("b", "mk-price"); one.away = $("span", "mk-away");
    one.away.title = "From the mark price now";
    one.handle.append(one.grip, one.words, one.figure, one.away);
    one.root.append(one.rule, one.handle);
    one.handle.dataset.line = line.key;
    if (!line.held) {
      one.handle.type = "button";
      one.handle.setAttribute("role", "slider");
      one.handle.setAttribute("aria-orientation", "vertical");
      one.handle.setAttribute("aria-valuemin", "0");
      one.handle.title = "Drag, or use the arrow keys and Enter (Shift: ten ticks, Page: a hundred; Esc leaves it)";
      hold(s, one);
    }
    s.over.append(one.root);
    return one;
  };

  const drop = (s, one) => {
    one.root.classList.remove("dragging");
    one.dragging = false; one.keyed = false;
    if (Math.abs(one.at - one.line.price) < s.tick / 2) { one.at = one.line.price; show(s, one); place(s); return; }
    if (bearskinLine.refuse(one.handle)) { back(s, one); return; } // it would move when the line is back, at other prices
    one.pending = { at: one.at, until: performance.now() + PENDING_MS };
    one.root.classList.add("pending");
    s.host.dispatchEvent(new CustomEvent("linemoved", { detail: { key: one.line.key, price: Number(one.at.toFixed(10)) } }));
  };

  const back = (s, one) => {
    one.pending = null; one.dragging = one.keyed = false; one.at = one.line.price;
    one.root.classList.remove("dragging", "pending");
    one.root.classList.add("snaps"); setTimeout(() => one.root.classList.remove("snaps"), 350);
    show(s, one); place(s);
  };

  const hold = (s, one) => {
    const h = one.handle;
    h.addEventListener("pointerdown", (e) => {
      if (e.button || one.pending) return;
      e.preventDefault(); h.focus(); h.setPointerCapture(e.pointerId);
      one.dragging = true; one.from = e.clientY; one.begun = y_of(s, one.at); one.root.classList.add("dragging");
      const inside = box(s);
      if (one.begun < inside.top || one.begun > inside.bottom) one.begun = Math.min(Math.max(one.begun, inside.top), inside.bottom);
    });
    h.addEventListener("pointermove", (e) => {
      if (!one.dragging || one.keyed || e.clientY === one.from) return;
      one.moved = true; one.at = Math.max(s.tick, price_at(s, one.begun + e.clientY - one.from)); show(s, one); place(s);
    });
    const up = () => { if (one.dragging && !one.keyed) { if (one.moved) drop(s, one); else { one.dragging = false; one.root.classList.remove("dragging"); } one.moved = false; } };
    h.addEventListener("pointerup", up);
    h.addEventListener("pointercancel", () => { if (one.dragging) back(s, one); });
    h.addEventListener("keydown", (e) => {
      const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 100, PageDown: -100 }[e.key];
      if (steps && !one.pending) {
        e.preventDefault();
        one.dragging = one.keyed = true; one.root.classList.add("dragging");
        one.at = Math.max(s.tick, Math.round(one.at / s.tick + steps * (e.shiftKey ? 10 : 1)) * s.tick); show(s, one); place(s);
      } else if (e.key === "Enter" && one.keyed) { e.preventDefault(); drop(s, one); }
      else if (e.key === "Escape" && one.dragging) { e.preventDefault(); back(s, one); }
    });
    h.addEventListener("blur", () => { if (one.keyed) back(s, one); });
  };

  // All lines as they stand now. One that is held in the hand, or waits for its answer, stays where it is.
  const lines = (id, given) => bearskinMarket.ready(id, (s) => {
    const wide = s.lines.map((one) => one.price).join();
    s.lines = given;
    const there = new Set(given.map((line) => line.key));
    for (const [key, one] of s.elements) if (!there.has(key)) {
      if (one.dragging) s.host.dispatchEvent(new CustomEvent("linegone", { detail: { key } }));
      one.root.remove(); s.elements.delete(key);
    }
    for (const line of given) {
      let one = s.elements.get(line.key);
      if (one && one.line.held !== line.held) { one.root.remove(); one = null; }
      if (!one) { one = make(s, line); s.elements.set(line.key, one); }
      const before = one.line.price;
      one.line = line;
      one.root.dataset.kind = line.kind; one.root.dataset.whose = line.whose;
      if (!line.held) one.handle.setAttribute("aria-label", line.says); else one.handle.removeAttribute("aria-label");
      if (one.pending) {
        if (Math.abs(one.pending.at - line.price) < s.tick * .75) { one.pending = null; one.root.classList.remove("pending"); one.at = line.price; }
        else if (one.pending.accepted && line.price !== before || performance.now() > one.pending.until) back(s, one);
      } else if (!one.dragging) one.at = line.price;
      show(s, one);
    }
    if (wide !== given.map((line) => line.price).join()) { s.chart.setOption({ yAxis: [{}, {}] }, { silent: true }); }
    place(s);
  });

  // The page's answer to a line that was let go: it stands, or goes back to where it was.
  const settle = (id, key, stands) => bearskinMarket.ready(id, (s) => {
    const one = s.elements.get(key);
    if (!one?.pending) return;
    if (!stands) back(s, one); else { one.pending.accepted = true; }
  });

  const place = (s) => {
    if (!s.elements || !s.data.time.length || s.chart.isDisposed()) return;
    const inside = box(s), taken = [];
    for (const one of [...s.elements.values()].sort((a, b) => b.at - a.at)) {
      const y = y_of(s, one.at), off = y < inside.top ? "above" : y > inside.bottom ? "below" : "";
      const at = Math.min(Math.max(y, inside.top + 2), inside.bottom - 2);
      one.root.style.transform = `translateY(${at.toFixed(1)}px)`;
      if (one.root.dataset.off !== off) one.root.dataset.off = off;
      // Beside another where there is room, else under it (over it at the lower edge).
      const wide = one.wide ??= one.handle.offsetWidth + 4, room = s.chart.getWidth() - inside.right - 10;
      let column = 0, shift = 0;
      for (let row = 0; row < 8; row++) {
        shift = row * HIGH * (off === "below" ? -1 : 1) + (off === "above" ? 9 : off === "below" ? -9 : 0);
        column = 0;
        for (const other of taken) if (Math.abs(other.at - at - shift) < HIGH) column = Math.max(column, other.right + other.wide);
        if (column + wide <= room) break;
      }
      taken.push({ at: at + shift, right: column, wide });
      one.handle.style.top = `${shift}px`;
      one.handle.style.left = `${8 + column}px`; // the newest candles are at the other side
      one.rule.style.right = `${inside.right}px`;
    }
    const last = s.data.bar.at(-1), tone = last[1] < last[0] ? "down" : "up";
    tag(s, "last", last[1], inside, tone); tag(s, "mark", s.now?.mark, inside, "");
    profile(s, inside);
  };

  const tag = (s, name, value, inside, tone) => {
    const made = s.tags[name], y = value == null ? NaN : y_of(s, value), seen = y >= inside.top && y <= inside.bottom;
    made.style.visibility = seen ? "visible" : "hidden";
    if (!seen) return;
    made.textContent = (name === "mark" ? "M " : "") + bearskinMarket.price(s, value);
    made.className = `mk-tag ${name} num ${tone}`;
    let at = y;
    if (name === "mark") { const other = y_of(s, s.data.bar.at(-1)[1]); if (Math.abs(other - y) < 17) at = other + (y < other ? -17 : 17); }
    made.style.transform = `translateY(${at.toFixed(1)}px)`;
  };

  // Turnover by price, from the left edge of the axis inwards.
  const profile = (s, inside = box(s)) => {
    const said = s.profile;
    if (!s.bars) return;
    if (!said) { s.bars.replaceChildren(); s.profiled.textContent = ""; return; }
    const day = (ms) => bearskinMarket.stamp(s, ms).slice(5, 10), most = Math.max(...said.turnover), want = said.turnover.length;
    while (s.bars.childElementCount < want) s.bars.append($("i", ""));
    while (s.bars.childElementCount > want) s.bars.lastChild.remove();
    const words = `volume at price, ${said.session === "day" ? day(said.start_ms) : `${day(said.start_ms)} to ${day(said.end_ms)}`}: most at ${bearskinMarket.price(s, said.poc)}`;
    if (s.profiled.textContent !== words) s.profiled.textContent = words;
    s.bars.style.right = `${inside.right}px`;
    said.turnover.forEach((value, k) => {
      const top = y_of(s, said.edges[k + 1]), low = y_of(s, said.edges[k]), bar = s.bars.children[k];
      const seen = low > inside.top && top < inside.bottom;
      bar.style.display = seen ? "" : "none";
      if (!seen) return;
      const from = Math.max(top, inside.top);
      bar.style.top = `${from.toFixed(1)}px`; bar.style.height = `${Math.max(1, Math.min(low, inside.bottom) - from - .5).toFixed(1)}px`;
      bar.style.width = `${(100 * value / most).toFixed(1)}px`;
      bar.className = said.edges[k] >= said.val - 1e-9 && said.edges[k + 1] <= said.vah + 1e-9 ? "value" : "";
    });
  };

  window.bearskinLines = { mount, lines, settle, place, profile };
})();
