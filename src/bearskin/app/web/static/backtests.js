// Charts of the backtests' page: drawn in the page's own colours, bar by bar where bars come one by one.
(() => {
  const drawn = new Set();
  const ROOM = 6; // empty bars on the right: where the next ones will come
  const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const two = (n) => String(n).padStart(2, "0");
  const day = (ms, zone) => {
    const d = new Date(ms);
    return zone === "local"
      ? `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
      : `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
  };
  const clock = (ms, zone) => {
    const d = new Date(ms);
    return zone === "local" ? `${two(d.getHours())}:${two(d.getMinutes())}` : `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  };
  const number = (v, digits) =>
    Number(v).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
  const money = (v) => number(v, 2);
  const digitsOf = (tick) => (String(tick).split(".")[1] || "").length;

  const base = () => ({
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif", fontSize: 11, color: css("--muted") },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "cross", lineStyle: { color: css("--muted") }, crossStyle: { color: css("--muted") },
        label: { backgroundColor: css("--sunk"), color: css("--text"), borderColor: css("--line"), borderWidth: 1 } },
      backgroundColor: css("--panel"), borderColor: css("--line"), textStyle: { color: css("--text"), fontSize: 12 },
      confine: true,
    },
  });
  const axis = (more) => ({
    axisLine: { lineStyle: { color: css("--line") } },
    axisTick: { show: false },
    axisLabel: { color: css("--muted"), fontSize: 11 },
    splitLine: { lineStyle: { color: css("--line"), opacity: 0.45 } },
    ...more,
  });

  // equity of one or two results, drawdown of the first below
  const curves = (data) => {
    const colours = [css("--accent"), css("--warn")];
    const one = data.curves.length === 1;
    const top = one ? { left: 70, right: 14, top: 14, bottom: 92 } : { left: 70, right: 14, top: 34, bottom: 28 };
    const times = (index) => axis({
      type: "time", gridIndex: index, splitLine: { show: false },
      axisLabel: { show: index === (one ? 1 : 0), color: css("--muted"), fontSize: 11, hideOverlap: true,
        formatter: (ms) => day(ms, data.zone) },
      axisPointer: { label: { formatter: (p) => `${day(p.value, data.zone)} ${clock(p.value, data.zone)}` } },
    });
    const series = data.curves.map((curve, i) => ({
      id: `curve-${i}`, name: curve.name, type: "line", showSymbol: false, sampling: "lttb",
      lineStyle: { width: 1.6, color: colours[i], type: i ? "dashed" : "solid" }, itemStyle: { color: colours[i] },
      data: curve.points.map((p) => [p[0], p[1]]),
    }));
    if (one) {
      series.push({
        id: "drawdown", name: "Drawdown", type: "line", showSymbol: false, xAxisIndex: 1, yAxisIndex: 1,
        lineStyle: { width: 1, color: css("--down") }, itemStyle: { color: css("--down") },
        areaStyle: { color: css("--down"), opacity: 0.18 }, data: data.curves[0].points.map((p) => [p[0], 100 * p[2]]),
      });
    }
    return {
      ...base(),
      legend: one ? { show: false } : { top: 4, textStyle: { color: css("--text") }, icon: "roundRect", itemHeight: 3 },
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      grid: one ? [top, { left: 70, right: 14, height: 52, bottom: 28 }] : [top],
      xAxis: one ? [times(0), times(1)] : [times(0)],
      yAxis: [
        axis({ type: "value", scale: true, axisLabel: { color: css("--muted"), fontSize: 11, formatter: (v) => number(v, 0) } }),
        ...(one ? [axis({ type: "value", gridIndex: 1, max: 0, splitNumber: 2,
          axisLabel: { color: css("--muted"), fontSize: 11, formatter: (v) => `${number(v, 0)} %` } })] : []),
      ],
      tooltip: { ...base().tooltip, valueFormatter: (v) => money(v) },
      series,
    };
  };

  // candles with what belongs to them: structure, levels, marks
  const indexOf = (bars, ms) => {
    let low = 0, high = bars.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (bars[mid].time_ms <= ms) low = mid; else high = mid - 1;
    }
    return low;
  };
  const level = (bars, one, digits) => {
    const colour = css({ stop: "--down", target: "--up", liquidation: "--warn" }[one.kind] || "--accent");
    const from = indexOf(bars, one.from_ms), to = one.to_ms ? indexOf(bars, one.to_ms) : bars.length - 1;
    const style = { color: colour, width: 1.2, type: { stop: "dashed", target: "dotted", liquidation: "dashed" }[one.kind] || "solid" };
    return [
      { coord: [from, Number(one.price)], lineStyle: style, symbol: "none",
        label: { show: true, formatter: `${one.word} ${number(one.price, digits)}`, position: "start", distance: 4, color: colour, fontSize: 11,
          backgroundColor: css("--panel"), padding: [1, 3] } },
      { coord: [one.to_ms ? Math.max(to, from + 1) : bars.length - 1 + ROOM, Number(one.price)], symbol: "none" },
    ];
  };
  const shapes = (bars, drawing) => {
    const colour = css("--accent");
    const lines = drawing.lines.map(([name, a, p, b, q]) => [
      { coord: [indexOf(bars, a), p], symbol: "none", lineStyle: { color: colour, width: 1, type: "solid", opacity: 0.8 },
        label: { show: true, formatter: name, position: "insideStartTop", color: colour, fontSize: 10 } },
      { coord: [Math.max(indexOf(bars, b), indexOf(bars, a) + 1), q], symbol: "none", label: { show: false } },
    ]);
    const zones = drawing.zones.map(([name, a, b, low, high]) => [
      { coord: [Math.max(0, indexOf(bars, a) - 0.5), low], name, itemStyle: { color: colour, opacity: 0.08 },
        label: { show: true, color: colour, fontSize: 10, position: "insideTopLeft" } },
      { coord: [Math.max(indexOf(bars, b), indexOf(bars, a) + 1), high] },
    ]);
    return { lines, zones };
  };
  const marks = (bars, found) => found.map((one) => {
    const up = one.side === "long";
    const at = indexOf(bars, one.time_ms), bar = bars[at];
    const colour = css(one.kind === "signal" ? "--accent" : one.kind === "exit" ? (one.won ? "--up" : "--down") : up ? "--up" : "--down");
    const entry = one.kind === "entry", signal = one.kind === "signal";
    return {
      coord: [at, signal ? (up ? bar.low : bar.high) : Number(one.price)], value: one.word,
      symbol: one.kind === "exit" ? (one.won ? "circle" : "path://M0,0 L10,10 M10,0 L0,10") : "triangle",
      symbolRotate: up || one.kind === "exit" ? 0 : 180,
      symbolSize: signal ? 8 : entry ? 12 : 10, symbolOffset: signal ? [0, up ? 10 : -10] : [0, 0],
      itemStyle: { color: signal ? "transparent" : colour, borderColor: colour, borderWidth: signal ? 1.4 : one.won ? 1 : 2 },
      label: { show: !signal, formatter: one.word, color: css("--text"), fontSize: 11, position: up ? "bottom" : "top", distance: 5 },
    };
  });
  const candles = (data) => {
    const bars = data.bars, digits = digitsOf(data.tick || "0.01");
    const drawing = shapes(bars, data.drawing || { lines: [], zones: [] });
    const levels = (data.levels || []).map((one) => level(bars, one, digits));
    const up = css("--up"), down = css("--down");
    const window = data.window || bars.length;
    const held = (data.levels || []).filter((one) => one.kind !== "liquidation").map((one) => Number(one.price));
    const label = (i) => (bars[i] ? `${day(bars[i].time_ms, data.zone)} ${clock(bars[i].time_ms, data.zone)}` : "");
    return {
      ...base(),
      tooltip: { ...base().tooltip, formatter: (all) => {
        const bar = bars[all[0] && all[0].dataIndex];
        if (!bar) return "";
        const rows = [["open", bar.open], ["high", bar.high], ["low", bar.low], ["close", bar.close]];
        if (bar.mark !== null) rows.push(["mark", bar.mark]);
        const paid = bar.funding.map(([rate]) => `<br>funding settled ${number(100 * rate, 4)} %`).join("");
        return `<b>${label(bars.indexOf(bar))}</b><br>` +
          rows.map(([word, v]) => `${word} ${number(v, digits)}`).join("<br>") + paid;
      } },
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      title: { text: bars.some((bar) => bar.funding.length) ? "volume   {paid|◆} funding settled" : "volume", left: 6, bottom: 63,
        textStyle: { color: css("--muted"), fontSize: 10, fontWeight: "normal", rich: { paid: { color: css("--warn"), fontSize: 10 } } } },
      grid: [{ left: 10, right: 74, top: 12, bottom: 84 }, { left: 10, right: 74, height: 40, bottom: 34 }],
      xAxis: [0, 1].map((index) => axis({
        type: "category", gridIndex: index, data: Array.from({ length: bars.length + ROOM }, (_, i) => i), splitLine: { show: false },
        axisLabel: { show: index === 1, color: css("--muted"), fontSize: 11, hideOverlap: true,
          formatter: (i) => label(i).slice(5) },
        axisPointer: { label: { formatter: (p) => label(p.value) } },
      })),
      yAxis: [
        axis({ scale: true, position: "right",
          axisLabel: { color: css("--muted"), fontSize: 11, showMinLabel: false, showMaxLabel: false, formatter: (v) => number(v, digits) },
          axisPointer: { label: { formatter: (p) => number(p.value, digits) } },
          min: (range) => Math.min(range.min, ...held) - 0.03 * (range.max - range.min),
          max: (range) => Math.max(range.max, ...held) + 0.03 * (range.max - range.min) }),
        axis({ gridIndex: 1, position: "right", splitNumber: 1, axisLabel: { show: false }, splitLine: { show: false }, axisPointer: { show: false } }),
      ],
      dataZoom: [{ type: "inside", xAxisIndex: [0, 1], startValue: Math.max(0, bars.length - window), endValue: bars.length - 1 + ROOM, minValueSpan: 20 }],
      series: [
        {
          id: "candles", type: "candlestick", data: bars.map((bar) => [bar.open, bar.close, bar.low, bar.high]),
          itemStyle: { color: css("--panel"), color0: down, borderColor: up, borderColor0: down },
          markLine: { silent: true, animation: false, data: [...drawing.lines, ...levels] },
          markArea: { silent: true, animation: false, data: drawing.zones },
          markPoint: { animation: false, data: marks(bars, data.marks || []) },
        },
        { id: "volume", type: "bar", xAxisIndex: 1, yAxisIndex: 1, data: bars.map((bar) => bar.volume),
          itemStyle: { color: css("--muted"), opacity: 0.45 }, large: true },
        { id: "funding", type: "scatter", xAxisIndex: 1, yAxisIndex: 1, symbol: "diamond", symbolSize: 6,
          itemStyle: { color: css("--warn") },
          data: bars.flatMap((bar, i) => (bar.funding.length ? [[i, 0]] : [])) },
      ],
    };
  };

  const options = { curves, candles };
  const show = (one) => one.element.chart.setOption(options[one.kind](one.data), { notMerge: true });
  const ready = (element, then) => bearskinChart(() => element, then);
  const again = () => {
    for (const one of drawn) {
      if (!one.element.chart || one.element.chart.isDisposed()) drawn.delete(one);
      else show(one);
    }
  };
  window.bearskinBacktests = {
    // draw(getElement(id), "curves" | "candles", data)
    draw(element, kind, data) {
      ready(element, () => {
        for (const one of drawn) if (one.element === element) drawn.delete(one);
        const one = { element, kind, data };
        drawn.add(one);
        show(one);
      });
    },
    // one bar more, and what stands now
    push(element, patch) {
      ready(element, () => {
        for (const one of drawn) {
          if (one.element !== element) continue;
          if (patch.bar) one.data.bars.push(patch.bar);
          Object.assign(one.data, patch.now);
          if (patch.drawing) one.data.drawing = patch.drawing;
          if (patch.marks) one.data.marks = [...(one.data.marks || []).filter((mark) => mark.kind === "signal"), ...patch.marks];
          show(one);
        }
      });
    },
    // what a test may ask: the bars this page has, and what is drawn over them
    bars: () => [...drawn].filter((one) => one.kind === "candles").flatMap((one) => one.data.bars),
    drawing: () => [...drawn].filter((one) => one.kind === "candles").map((one) => one.data.drawing)[0],
  };
  let theme = "";
  new MutationObserver(() => {
    if (document.body.className !== theme) {
      theme = document.body.className;
      again();
    }
  }).observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["class"] });
})();
