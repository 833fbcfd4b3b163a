// Draws the charts, sorts and filters the tables. Everything it needs is in this file: nothing is fetched.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const parsed = (id) => { const e = byId(id); return e ? JSON.parse(e.textContent) : null; };
  const light = matchMedia("(prefers-color-scheme: light)");
  const narrow = () => innerWidth < 560;
  const touch = matchMedia("(pointer: coarse)").matches;
  const figures = parsed("figures") || {};
  const drawn = new Map(); // element id -> figure, to draw again when the theme changes

  // ---- charts
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const resolved = (value) => {
    if (typeof value === "string") return /^var\(--[a-z-]+\)$/.test(value) ? colour(value.slice(4, -1)) : value;
    if (Array.isArray(value)) return typeof value[0] === "object" && value[0] !== null ? value.map(resolved) : value;
    if (value && typeof value === "object") {
      const out = {};
      for (const key of Object.keys(value)) out[key] = key === "colorscale" ? value[key].map(([at, name]) => [at, resolved(name)]) : resolved(value[key]);
      return out;
    }
    return value;
  };
  const layoutOf = (figure) => {
    const layout = resolved(figure.layout);
    const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--muted"), linecolor: colour("--line"), tickcolor: colour("--line"), automargin: true, zeroline: false, spikethickness: 1, spikecolor: colour("--muted") };
    if (!layout.xaxis) layout.xaxis = {};
    if (!layout.yaxis) layout.yaxis = {};
    for (const key of Object.keys(layout)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      layout[key] = Object.assign({}, axis, layout[key]);
      if (key[0] === "y") layout[key].showspikes = false;
      if (layout[key].type === "date") Object.assign(layout[key], { tickangle: 0, nticks: narrow() ? 4 : 10 });
      const title = layout[key].title;
      if (title) layout[key].title = { text: title.text, standoff: 8, font: { size: 12, color: colour("--muted") } };
    }
    const panel = colour("--panel");
    layout.legend = Object.assign({ orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { size: narrow() ? 11 : 12 } }, layout.legend);
    return Object.assign({
      paper_bgcolor: panel, plot_bgcolor: panel,
      font: { family: getComputedStyle(document.body).fontFamily, size: narrow() ? 11 : 12, color: colour("--text") },
      margin: { l: 10, r: narrow() ? 8 : 18, t: 8, b: 10 },
      hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      modebar: { bgcolor: panel, color: colour("--muted"), activecolor: colour("--text") },
      dragmode: touch ? false : "zoom", // on a touch screen a finger scrolls the page
      separators: ".,", barcornerradius: 2,
    }, layout);
  };
  const draw = (id, figure) => {
    const place = byId(id);
    if (!place || !figure) return;
    drawn.set(id, figure);
    const layout = layoutOf(figure);
    if (narrow() && layout.height > 400) layout.height += 40; // the legend takes more lines there
    const data = resolved(figure.data);
    if (narrow()) for (const trace of data) if (trace.textfont) trace.textfont.size = 9;
    Plotly.react(place, data, layout, {
      responsive: true, displaylogo: false, displayModeBar: touch || narrow() || figure.compact ? false : "hover",
      modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]], // none that sends
    });
  };
  for (const id of Object.keys(figures)) draw(id, figures[id]);
  light.addEventListener("change", () => { for (const [id, figure] of drawn) draw(id, figure); });

  // ---- prices of one symbol
  const picker = byId("price-symbol");
  const priceFigure = (index) => parsed("price-" + index);
  const showPrice = (index, span) => {
    const figure = priceFigure(index);
    if (!figure) return;
    if (span) { // a trade and twice its length around it, a dozen candles at least
      const times = figure.data[0].x;
      const candle = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : 36e5;
      const room = Math.max(2 * (span[1] - span[0]), 12 * candle);
      const from = span[0] - room, to = span[1] + room;
      figure.layout.xaxis.range = [from, to];
      const low = [], high = [];
      times.forEach((t, i) => { if (t >= from && t <= to) { low.push(figure.data[0].low[i]); high.push(figure.data[0].high[i]); } });
      if (low.length) {
        const lo = Math.min(...low), hi = Math.max(...high), pad = 0.06 * (hi - lo);
        figure.layout.yaxis.range = [lo - pad, hi + pad];
      }
    }
    draw("chart-price", figure);
  };
  if (picker) {
    picker.addEventListener("change", () => showPrice(picker.value));
    byId("price-whole").addEventListener("click", () => showPrice(picker.value));
    showPrice(picker.value);
  }

  // ---- surfaces of a sweep, one at a time
  const surface = byId("surface");
  if (surface) {
    const show = () => draw("chart-surface", parsed("surface-" + surface.value));
    surface.addEventListener("change", show);
    show();
  }

  // ---- sorting: figures by value, words by alphabet, what is unknown last
  const keyOf = (text) => {
    const bare = text.replace(/−/g, "-").replace(/,/g, "");
    const found = /^[+-]?\d*\.?\d+(?= |$|×)/.exec(bare);
    return found && !/^\d{4}-\d\d/.test(bare) ? Number(found[0]) : text === "–" ? null : text;
  };
  const compare = (a, b, direction) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return direction * (a - b);
    return direction * String(a).localeCompare(String(b));
  };
  const sortable = (table, apply) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, index) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const direction = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        apply(index, direction);
      });
    });
  };
  document.querySelectorAll("table.sortable").forEach((table) => sortable(table, (index, direction) => {
    const body = table.tBodies[0];
    [...body.rows]
      .map((row) => [keyOf(row.cells[index].textContent), row])
      .sort((a, b) => compare(a[0], b[0], direction))
      .forEach(([, row]) => body.append(row));
  }));

  // ---- the trades: rows are made when they are looked at
  const table = byId("trades-table");
  const all = parsed("trades");
  if (table && all) {
    const PAGE = 100;
    const filter = byId("trades-symbol"), more = byId("trades-more"), count = byId("trades-count");
    const body = table.tBodies[0];
    let rows = all.rows.map((cells, index) => ({ cells, index }));
    let limit = PAGE;
    const cellOf = (text, col) => {
      const td = document.createElement("td");
      td.textContent = text; // never innerHTML: symbols and reasons come from outside
      td.className = [col.num ? "num" : col.wide ? "wrap" : "", col.signed ? (text[0] === "+" ? "gain" : text[0] === "−" ? "loss" : "") : "", col.side ? (text.endsWith("short") ? "short" : "long") : ""].join(" ").trim();
      return td;
    };
    const show = () => {
      const wanted = rows.filter((row) => !filter.value || row.cells[all.symbol] === filter.value);
      body.replaceChildren(...wanted.slice(0, limit).map((row) => {
        const tr = document.createElement("tr");
        tr.append(...row.cells.map((text, i) => cellOf(text, all.columns[i])));
        tr.addEventListener("click", () => look(row));
        return tr;
      }));
      more.hidden = wanted.length <= limit;
      count.textContent = `${Math.min(limit, wanted.length)} of ${wanted.length.toLocaleString("en")} trades shown`;
    };
    const look = (row) => {
      const option = picker && [...picker.options].find((one) => one.dataset.symbol === row.cells[all.symbol]);
      if (!option) return;
      picker.value = option.value;
      showPrice(option.value, all.spans[row.index]);
      byId("prices").scrollIntoView();
    };
    sortable(table, (index, direction) => {
      rows = rows.map((row) => [keyOf(row.cells[index]), row]).sort((a, b) => compare(a[0], b[0], direction)).map(([, row]) => row);
      show();
    });
    filter.addEventListener("change", () => { limit = PAGE; show(); });
    more.addEventListener("click", () => { limit += 5 * PAGE; show(); });
    show();
  }
  document.documentElement.dataset.ready = "yes";
})();
