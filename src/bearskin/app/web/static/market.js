// The chart of the market page: keeps the candles, takes patches, draws with the ECharts instance of the page.
// Nothing is fetched here: what is shown comes from the page's own line.
(() => {
  const charts = new Map(); // host element -> chart state
  const AHEAD = 14; // empty places to the right of the newest candle
  const KEPT = 5000, SPARE = 250, FIRST_SHOWN = 160;
  const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const minus = (text) => text.replace("-", "−");
  const formats = new Map(); // made once: a format costs more than what it writes
  const fixed = (value, digits) => {
    let made = formats.get(digits);
    if (!made) formats.set(digits, made = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
    return minus(made.format(value));
  };
  const price = (s, value) => value == null ? "–" : fixed(value, s.digits);
  const short = (value) => value >= 1e9 ? (value / 1e9).toFixed(2) + " B" : value >= 1e6 ? (value / 1e6).toFixed(2) + " M"
    : value >= 1e3 ? (value / 1e3).toFixed(1) + " k" : value.toFixed(value < 10 ? 3 : 1);
  const two = (n) => String(n).padStart(2, "0");
  const parts = (s, ms) => {
    const d = new Date(ms);
    return s.local
      ? [d.getFullYear(), d.getMonth() + 1, d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()]
      : [d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()];
  };
  const stamp = (s, ms) => { const [y, m, d, h, n] = parts(s, ms); return `${y}-${two(m)}-${two(d)} ${two(h)}:${two(n)}`; };
  // Labels of time stand at the first bar of every so many minutes by the clock that is read, and a new day is named
  // where it begins: an hour without its day would be taken for one of the day beside it.
  const MINUTES = [1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400, 43200], LABEL_PX = 64;
  const minute = (s, ms) => { const [y, m, d, h, n] = parts(s, ms); return Date.UTC(y, m - 1, d, h, n) / 6e4; };
  const every = (s) => {
    const wide = (s.chart ? s.chart.getWidth() : innerWidth) - (s.narrow ? 66 : 80);
    const span = (s.view[1] - s.view[0]) * s.step / 6e4, most = Math.max(2, wide / LABEL_PX);
    return MINUTES.find((one) => one * 6e4 >= s.step && span / one <= most) || MINUTES.at(-1);
  };
  const labelled = (s, at) => {
    if (!(at in s.data.time)) return false;
    const step = every(s), now = minute(s, s.data.time[at]);
    return Math.floor(now / step) !== Math.floor((at ? minute(s, s.data.time[at - 1]) : now - s.step / 6e4) / step);
  };
  const tick_label = (s, at) => {
    const ms = s.data.time[at], [, m, d, h, n] = parts(s, ms), day = (one) => Math.floor(minute(s, one) / 1440);
    const dawn = at > 0 ? day(s.data.time[at - 1]) !== day(ms) : h === 0 && n === 0;
    return dawn || every(s) >= 1440 ? `${two(m)}-${two(d)}` : `${two(h)}:${two(n)}`;
  };

  // --- the series ---------------------------------------------------------------------------------------------------

  const empty = () => ({ time: [], bar: [], volume: [], mark: [], index: [] });

  // The place of the bar that opens at `ms` or holds it; -1 before the first.
  const place = (s, ms) => {
    let low = 0, high = s.data.time.length - 1, found = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (s.data.time[middle] <= ms) { found = middle; low = middle + 1; } else high = middle - 1;
    }
    return found;
  };

  const put = (s, row) => {
    const [ms, open, high, low, close, volume] = row, d = s.data, last = d.time.length - 1;
    if (last >= 0 && ms < d.time[last]) {
      const at = place(s, ms);
      if (d.time[at] === ms) { d.bar[at] = [open, close, low, high]; d.volume[at] = volume; }
      return;
    }
    if (last < 0 || ms > d.time[last]) {
      d.time.push(ms); d.bar.push([open, close, low, high]); d.volume.push(volume);
      d.mark.push("-"); d.index.push("-");
    } else { d.bar[last] = [open, close, low, high]; d.volume[last] = volume; }
  };

  const trim = (s) => {
    const over = s.data.time.length - KEPT;
    if (over < SPARE) return;
    for (const name of Object.keys(s.data)) s.data[name].splice(0, over);
    s.view = [Math.max(0, s.view[0] - over), Math.max(1, s.view[1] - over)];
  };

  // --- drawing ------------------------------------------------------------------------------------------------------

  const colours = () => ({
    up: css("--up"), down: css("--down"), line: css("--line"), text: css("--text"), muted: css("--muted"),
    warn: css("--warn"), accent: css("--accent"), panel: css("--panel"), sunk: css("--sunk"),
  });

  const structure = (s) => (params, api) => {
    const c = s.colours, box = api.value(4) === 1;
    const [x1, y1] = api.coord([api.value(0), api.value(1)]), [x2, y2] = api.coord([api.value(2), api.value(3)]);
    const half = api.size([1, 0])[0] / 2, { name = "", under = false } = s.drawn[params.dataIndex] ?? {};
    const free = (x, y) => { // names lie beside one another, not upon
      if (params.dataIndex === 0) s.names = [];
      while (name && s.names.some((one) => x < one.right && one.x < x + 6.5 * name.length && Math.abs(one.y - y) < 12)) y += under ? 6 : -6;
      if (name) s.names.push({ x, y, right: x + 6.5 * name.length });
      return { x, y };
    };
    const place_of = box ? free(Math.min(x1, x2) - half + 3, Math.min(y1, y2) + 3) : free(x1 + 3, under ? y1 + 3 : Math.min(y1, y2) - 13);
    const label = { type: "text", silent: true, style: { text: name, ...place_of, fill: c.accent, font: "11px system-ui", opacity: .95 } };
    if (box) {
      const left = Math.min(x1, x2) - half, top = Math.min(y1, y2);
      return { type: "group", silent: true, children: [{ type: "rect",
        shape: { x: left, y: top, width: Math.abs(x2 - x1) + 2 * half, height: Math.max(1, Math.abs(y2 - y1)) },
        style: { fill: c.accent, opacity: .13, stroke: c.accent, lineWidth: 1 } }, label] };
    }
    return { type: "group", silent: true, children: [{ type: "line", shape: { x1, y1, x2, y2 },
      style: { stroke: c.accent, lineWidth: 1.5, opacity: .95 } }, label] };
  };

  const axis = (c) => ({ axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false },
    axisLabel: { color: c.muted, fontSize: 11 }, splitLine: { show: true, lineStyle: { color: c.line, opacity: .45 } } });

  const base = (s) => {
    const c = s.colours, of = axis(c);
    const candle = { color: c.up, color0: c.down, borderColor: c.up, borderColor0: c.down };
    const line = (id, colour, type, width) => ({ id, name: id, type: "line", showSymbol: false, silent: true, animation: false,
      connectNulls: false, lineStyle: { color: colour, width, type }, itemStyle: { color: colour }, data: [], z: 3, yAxisIndex: 0 });
    return {
      animation: false, backgroundColor: "transparent",
      grid: { left: 4, right: s.narrow ? 62 : 74, top: s.narrow ? 42 : 26, bottom: s.narrow ? 42 : 46 },
      tooltip: { trigger: "axis", showContent: false, axisPointer: { type: "cross",
        lineStyle: { color: c.muted, opacity: .6 }, crossStyle: { color: c.muted, opacity: .6 },
        label: { backgroundColor: c.sunk, color: c.text, borderColor: c.line, borderWidth: 1, fontSize: 11,
          formatter: (p) => p.axisDimension === "x" ? (p.value in s.data.time ? stamp(s, s.data.time[p.value]) : "") : price(s, p.value) } } },
      xAxis: { type: "category", data: [], boundaryGap: true, ...of, splitLine: { show: false },
        axisLabel: { ...of.axisLabel, hideOverlap: true, interval: (at) => labelled(s, at),
          formatter: (at) => +at in s.data.time ? tick_label(s, +at) : "" } },
      yAxis: [
        { scale: true, position: "right", ...of, axisLabel: { ...of.axisLabel, formatter: (v) => price(s, v), showMinLabel: false, showMaxLabel: false },
          min: (v) => range(s, v)[0], max: (v) => range(s, v)[1], splitNumber: 7, axisPointer: { label: { precision: s.digits } } },
        { max: (v) => v.max * 5 || 1, min: 0, show: false, axisPointer: { show: false } },
      ],
      dataZoom: [
        { id: "inside", type: "inside", xAxisIndex: 0, filterMode: "weakFilter", rangeMode: ["value", "value"], minValueSpan: 15, throttle: 30 },
        { id: "slide", type: "slider", xAxisIndex: 0, filterMode: "weakFilter", rangeMode: ["value", "value"], height: s.narrow ? 12 : 16,
          bottom: 4, left: 6, right: s.narrow ? 62 : 76, showDataShadow: false, showDetail: false, brushSelect: false, borderColor: c.line,
          fillerColor: c.accent + "22", backgroundColor: c.sunk, handleStyle: { color: c.muted, borderColor: c.muted }, moveHandleSize: 0 },
      ],
      series: [
        { id: "volume", name: "volume", type: "bar", yAxisIndex: 1, data: [], large: true, largeThreshold: 900, silent: true, barCategoryGap: "25%",
          itemStyle: { opacity: .33, color: (p) => { const b = s.data.bar[p.value?.[0]]; return b && b[1] < b[0] ? c.down : c.up; } }, z: 1 },
        { id: "candles", name: "candles", type: "candlestick", data: [], encode: { x: 0, y: [1, 2, 3, 4] }, itemStyle: candle, large: true, largeThreshold: 900, z: 2, barMaxWidth: 22 },
        line("mark", c.warn, "solid", 1.2), line("index", c.accent, [4, 3], 1.1),
        { id: "drawn", name: "drawn", type: "custom", renderItem: structure(s), encode: { x: [0, 2], y: [] }, data: [], clip: true, silent: true, z: 4 },
        { id: "marks", name: "set-ups", type: "scatter", data: [], z: 5, cursor: "pointer", clip: true,
          symbolSize: (v, p) => p.data.chosen ? 15 : 10, symbolKeepAspect: true },
      ],
    };
  };

  // The prices that the axis shows: those of the candles, and lines that are not too far from them.
  const range = (s, v) => {
    if (!isFinite(v.min) || !isFinite(v.max)) return [0, 1];
    const height = v.max - v.min || v.max * 0.001 || 1;
    let low = v.min - height * .28, high = v.max + height * .10;
    for (const one of s.lines) {
      if (one.price > v.max - height * 3 && one.price < v.max + height * .9) high = Math.max(high, one.price + height * .07);
      if (one.price < v.min + height * 3 && one.price > v.min - height * .9) low = Math.min(low, one.price - height * .09);
    }
    return [low, high];
  };

  const zoomed = (s) => [
    { id: "inside", startValue: s.view[0], endValue: s.view[1] }, { id: "slide", startValue: s.view[0], endValue: s.view[1] }];

  // What ECharts is given: the bars in sight and as many again on either side, so that a patch costs the same whatever is
  // kept behind them.
  const slice = (s) => {
    const d = s.data, last = d.time.length - 1, wide = Math.max(40, s.view[1] - s.view[0]);
    const from = Math.max(0, Math.floor(s.view[0] - wide)), to = Math.min(last, Math.ceil(s.view[1] + wide));
    const bars = [], volume = [], mark = [], index = [];
    for (let k = from; k <= to; k++) {
      const [open, close, low, high] = d.bar[k];
      bars.push([k, open, close, low, high]); volume.push([k, d.volume[k]]); mark.push([k, d.mark[k]]); index.push([k, d.index[k]]);
    }
    s.given = [from, to];
    return [{ id: "volume", data: volume }, { id: "candles", data: bars }, { id: "mark", data: mark }, { id: "index", data: index }];
  };

  const draw = (s) => {
    s.due = 0;
    if (!s.chart || s.chart.isDisposed()) return;
    const began = performance.now(), count = s.data.time.length, option = {};
    if (s.shown !== count || s.reset) {
      const length = count + AHEAD;
      if (s.labels.length > length) s.labels.length = length;
      while (s.labels.length < length) s.labels.push(s.labels.length);
      option.xAxis = { data: s.labels };
      if (s.follow && count) { // the newest stays in sight, as wide as it was looked at
        const wide = s.view[1] - s.view[0];
        s.view = [Math.max(0, count - 1 + AHEAD - wide), count - 1 + AHEAD];
      }
      option.dataZoom = zoomed(s);
      s.shown = count; s.reset = false;
    }
    option.series = slice(s);
    if (s.redrawn) { s.redrawn = false; option.series.push(...structures(s)); }
    s.chart.setOption(option, { lazyUpdate: false, silent: true });
    legend(s);
    s.cost = performance.now() - began; s.spent += s.cost; s.draws += 1;
    s.next = performance.now() + Math.min(250, 2 * s.cost); // drawing leaves time for everything else
  };

  const structures = (s) => {
    const c = s.colours, chosen = s.setups.find((one) => one.key === s.chosen);
    s.drawn = [];
    if (chosen && s.shows) {
      for (const [name, from, low, to, high] of chosen.zones.map(([n, a, b, l, h]) => [n, a, l, b, h]))
        s.drawn.push({ name, value: [place(s, from), low, place(s, to), high, 1] });
      for (const [name, from, start, to, end] of chosen.lines) s.drawn.push({ name, value: [place(s, from), start, place(s, to), end, 0] });
      s.drawn = s.drawn.filter((one) => one.value[2] >= 0).map((one) => ({ ...one, value: [Math.max(0, one.value[0]), ...one.value.slice(1)] }));
      const named = new Set(); // a curve of many pieces is named once
      for (const one of s.drawn) { if (named.has(one.name)) one.name = ""; named.add(one.name); }
      // two lines that begin together have their names on their outer sides
      for (const one of s.drawn) one.under = one.value[4] === 0 && s.drawn.some((other) => other !== one && other.name && other.value[4] === 0 && other.value[0] === one.value[0] && other.value[1] > one.value[1]);
    }
    const marks = !s.shows ? [] : s.setups.map((one) => {
      const at = place(s, one.bar_ms), down = one.side === "short", big = one.key === s.chosen;
      return at < 0 ? null : { value: [at, one.price], key: one.key, chosen: big, symbol: "triangle", symbolRotate: down ? 180 : 0,
        symbolOffset: [0, down ? -11 : 11],
        itemStyle: { color: down ? c.down : c.up, opacity: one.over && !big ? .45 : 1, borderColor: big ? c.text : c.panel, borderWidth: big ? 1.5 : 1 } };
    }).filter(Boolean);
    return [{ id: "drawn", data: s.drawn }, { id: "marks", data: marks }];
  };

  const legend = (s) => {
    const d = s.data, last = d.time.length - 1, at = s.hover != null && s.hover <= last ? s.hover : last;
    if (at < 0 || !s.legend) return;
    const [open, close, low, high] = d.bar[at], change = open ? (close / open - 1) * 100 : 0, tone = close < open ? "down" : "up";
    const cell = (name, text, kind = tone) => `<span class="mk-leg"><i>${name}</i><b class="num ${kind}">${text}</b></span>`;
    s.legend.innerHTML = `<span class="mk-leg muted num">${stamp(s, d.time[at])}</span>` + cell("O", price(s, open)) + cell("H", price(s, high))
      + cell("L", price(s, low)) + cell("C", price(s, close)) + cell("", `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)} %`)
      + cell("Vol", short(d.volume[at]), "") + cell("Mark", d.mark[at] === "-" ? "–" : price(s, d.mark[at]), "warn")
      + cell("Index", d.index[at] === "-" ? "–" : price(s, d.index[at]), "index");
  };

  const soon = (s) => {
    if (s.due) return;
    const wait = (s.next ?? 0) - performance.now();
    s.due = wait > 12 ? setTimeout(() => requestAnimationFrame(() => draw(s)), wait) : requestAnimationFrame(() => draw(s));
  };

  // --- what the page calls ------------------------------------------------------------------------------------------

  const state = (id) => charts.get(id);

  // Hands are called when the chart of ECharts stands, in the order in which they came.
  const ready = (id, hand) => {
    const s = state(id);
    if (!s) return;
    if (s.chart) hand(s); else s.waiting.push(hand);
  };

  const mount = (id, find, options) => {
    const host = document.getElementById(options.host);
    const s = { id, host, find, ...options, chart: null, waiting: [], data: empty(), labels: [], view: [0, 1], follow: true, shown: -1,
      lines: [], setups: [], chosen: null, shows: true, drawn: [], names: [], hover: null, due: 0, spent: 0, draws: 0, redrawn: false, colours: colours(), dark: document.body.classList.contains("body--dark") };
    charts.get(id)?.close?.();
    charts.set(id, s);
    s.turned = new MutationObserver(() => {
      const dark = document.body.classList.contains("body--dark");
      if (dark === s.dark) return;
      s.dark = dark; s.colours = colours();
      if (!s.chart || s.chart.isDisposed()) return;
      s.chart.setOption(base(s), { notMerge: true }); s.reset = s.redrawn = true; draw(s);
    });
    s.turned.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    s.close = () => { s.turned.disconnect(); s.chart = null; };
    bearskinChart(find, (chart) => {
      const there = document.getElementById(options.host);
      if (!there) return;
      s.chart = chart; s.host = there; s.legend = there.querySelector(".mk-legend");
      s.narrow = innerWidth < 860;
      chart.setOption(base(s), { notMerge: true });
      chart.on("datazoom", () => moved(s));
      chart.on("updateAxisPointer", (e) => { s.hover = e.axesInfo?.[0]?.value ?? null; legend(s); });
      chart.getZr().on("globalout", () => { s.hover = null; legend(s); });
      chart.on("click", (e) => { if (e.seriesId === "marks") choose(id, e.data.key, true); });
      bearskinLines.mount(s);
      for (const hand of s.waiting.splice(0)) hand(s);
    }, () => charts.get(id) !== s);
  };

  const moved = (s) => {
    const zoom = s.chart.getOption().dataZoom[0], last = s.data.time.length - 1;
    s.view = [zoom.startValue, zoom.endValue];
    s.follow = s.view[1] >= last;
    s.host.dataset.follows = s.follow ? "yes" : "no";
    const step = every(s);
    if (step !== s.stepped) { s.stepped = step; s.chart.setOption({ xAxis: { axisLabel: { hideOverlap: true } } }); }
    if (s.given && (s.view[0] < s.given[0] || Math.min(s.view[1], last) > s.given[1])) { cancelAnimationFrame(s.due); draw(s); }
    bearskinLines.place(s);
  };

  // The whole of a symbol and interval; patches go on from there.
  const load = (id, said) => ready(id, (s) => {
    Object.assign(s, { digits: said.digits, step: said.step, tick: said.tick, local: said.local });
    s.data = empty(); s.follow = true; s.setups = []; s.chosen = null; s.hover = null; s.profile = null;
    for (const row of said.candles) put(s, row);
    for (const kind of ["mark", "index"]) for (const [ms, close] of said[kind]) line_at(s, kind, ms, close);
    const last = s.data.time.length - 1 + AHEAD;
    s.view = [Math.max(0, last - (s.narrow ? FIRST_SHOWN / 2 : FIRST_SHOWN)), last];
    s.reset = s.redrawn = true; s.host.dataset.follows = "yes"; s.host.dataset.candles = s.data.time.length;
    draw(s);
    bearskinLines.place(s);
  });

  // What lies before that: it is put in front, and what is looked at stays where it is.
  const older = (id, said) => ready(id, (s) => {
    const d = s.data, before = said.candles.filter((row) => row[0] < d.time[0]), count = before.length;
    if (!count) return;
    s.data = {
      time: before.map((row) => row[0]).concat(d.time), bar: before.map(([, open, high, low, close]) => [open, close, low, high]).concat(d.bar),
      volume: before.map((row) => row[5]).concat(d.volume), mark: Array(count).fill("-").concat(d.mark), index: Array(count).fill("-").concat(d.index) };
    for (const kind of ["mark", "index"]) for (const [ms, close] of said[kind]) if (ms < d.time[0]) line_at(s, kind, ms, close);
    s.view = [s.view[0] + count, s.view[1] + count];
    s.hover = null; s.reset = s.redrawn = true; s.host.dataset.candles = s.data.time.length;
    draw(s);
  });

  const line_at = (s, kind, ms, close) => {
    const at = place(s, ms);
    if (at >= 0 && ms < s.data.time[at] + s.step) s.data[kind][at] = close;
  };

  // Mark and index along the candles.
  const lines = (id, said) => ready(id, (s) => {
    for (const kind of ["mark", "index"]) for (const [ms, close] of said[kind]) line_at(s, kind, ms, close);
    soon(s);
  });

  // The newest candles, as they change.
  const patch = (id, rows) => ready(id, (s) => {
    if (!s.data.time.length) return;
    for (const row of rows) put(s, row);
    trim(s);
    if (s.now) for (const kind of ["mark", "index"]) if (s.now[kind] != null) s.data[kind][s.data.time.length - 1] = s.now[kind];
    s.host.dataset.candles = s.data.time.length;
    s.host.dataset.close = s.data.bar.at(-1)[1];
    soon(s);
  });

  // Mark and index of this moment.
  const prices = (id, now) => ready(id, (s) => {
    s.now = now;
    const last = s.data.time.length - 1;
    if (last < 0) return;
    for (const kind of ["mark", "index"]) if (now[kind] != null) s.data[kind][last] = now[kind];
    s.host.dataset.mark = now.mark;
    soon(s);
  });

  const setups = (id, found, chosen) => ready(id, (s) => {
    s.setups = found;
    if (chosen !== undefined && !found.some((one) => one.key === s.chosen)) s.chosen = chosen;
    s.host.dataset.setups = found.length; s.host.dataset.chosen = s.chosen ?? "";
    s.redrawn = true; soon(s);
  });

  // Draw one set-up's structure, and bring it into sight.
  const choose = (id, key, here) => ready(id, (s) => {
    s.chosen = s.chosen === key && here ? null : key;
    const one = s.setups.find((found) => found.key === s.chosen), at = one ? place(s, one.bar_ms) : -1;
    if (!here && at >= 0 && (at < s.view[0] + 5 || at > s.view[1] - 5)) {
      const wide = s.view[1] - s.view[0], start = Math.max(0, Math.round(at - wide * .7));
      s.view = [start, start + wide]; s.follow = s.view[1] >= s.data.time.length - 1;
      s.chart.setOption({ dataZoom: zoomed(s) });
    }
    s.host.dataset.chosen = s.chosen ?? "";
    s.redrawn = true; soon(s);
    if (here) s.host.dispatchEvent(new CustomEvent("setupchosen", { detail: { key: s.chosen } }));
  });

  const show_setups = (id, on) => ready(id, (s) => { s.shows = on; s.redrawn = true; soon(s); });
  const newest = (id) => ready(id, (s) => { s.follow = true; s.reset = true; draw(s); s.host.dataset.follows = "yes"; });
  const zoom = (id, factor) => ready(id, (s) => {
    const last = s.data.time.length - 1 + AHEAD, wide = Math.min(last, Math.max(15, Math.round((s.view[1] - s.view[0]) * factor)));
    s.view = [Math.max(0, s.view[1] - wide), Math.min(last, s.view[1])]; s.chart.setOption({ dataZoom: zoomed(s) }); moved(s);
  });
  const profile = (id, said) => ready(id, (s) => { s.profile = said; bearskinLines.profile(s); });
  const measured = (id) => { const s = state(id); return s ? { draws: s.draws, spent_ms: s.spent, candles: s.data.time.length } : null; };

  window.bearskinMarket = { mount, load, older, lines, patch, prices, setups, choose, show_setups, newest, zoom, profile, ready, measured, price, fixed, short, stamp, parts };
})();
