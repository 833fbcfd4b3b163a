// The equity chart of the bot's page. The page keeps the points; the server sends each new one alone.
window.bearskinEquity = (() => {
  const kept = new Map();
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const money = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");
  const share = (value) => (100 * value).toFixed(2).replace("-", "−") + " %";
  const chartOf = (id) => new Promise((resolve) => {
    bearskinChart(() => window.getElement && getElement(id), resolve);
  });
  const series = (points) => [
    { id: "equity", data: points.map((p) => [p[0], p[1]]) },
    { id: "drawdown", data: points.map((p) => [p[0], p[2]]) },
  ];
  const dressed = (points) => {
    const text = colour("--muted"), line = colour("--line"), accent = colour("--accent"), down = colour("--down");
    const time = { type: "time", axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, splitLine: { show: false } };
    const value = { scale: true, position: "right", axisLabel: { color: text, fontSize: 11 }, splitLine: { lineStyle: { color: line, opacity: 0.5 } }, splitNumber: 3 };
    const [equity, drawdown] = series(points);
    return {
      animation: false,
      textStyle: { fontFamily: "inherit" },
      grid: [{ left: 8, right: 70, top: 8, height: "58%" }, { left: 8, right: 70, bottom: 22, height: "19%" }],
      xAxis: [
        { ...time, gridIndex: 0, axisLabel: { show: false } },
        { ...time, gridIndex: 1, axisLabel: { color: text, fontSize: 11, hideOverlap: true } },
      ],
      yAxis: [
        { ...value, gridIndex: 0, axisLabel: { ...value.axisLabel, formatter: (v) => v.toLocaleString("en-US") } },
        { ...value, gridIndex: 1, max: 0, splitNumber: 1, axisLabel: { ...value.axisLabel, formatter: share } },
      ],
      useUTC: true,
      axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: text }, label: { show: false } },
      tooltip: {
        trigger: "axis", backgroundColor: colour("--panel"), borderColor: line, padding: 8,
        textStyle: { color: colour("--text"), fontSize: 12 },
        formatter: (rows) => {
          const at = new Date(rows[0].value[0]).toISOString().slice(0, 19).replace("T", " ");
          const of = Object.fromEntries(rows.map((row) => [row.seriesId, row.value[1]]));
          return [at + " UTC", of.equity === undefined ? "" : "equity " + money(of.equity), of.drawdown === undefined ? "" : "drawdown " + share(of.drawdown)].filter(Boolean).join("<br>");
        },
      },
      dataZoom: [{ type: "inside", xAxisIndex: [0, 1], zoomOnMouseWheel: "ctrl" }],
      series: [
        { ...equity, type: "line", xAxisIndex: 0, yAxisIndex: 0, showSymbol: false, lineStyle: { width: 1.5, color: accent }, itemStyle: { color: accent }, areaStyle: { color: accent, opacity: 0.1, origin: "start" } },
        { ...drawdown, type: "line", xAxisIndex: 1, yAxisIndex: 1, showSymbol: false, lineStyle: { width: 1, color: down }, itemStyle: { color: down }, areaStyle: { color: down, opacity: 0.22 } },
      ],
    };
  };
  new MutationObserver(() => {
    for (const [id, one] of kept) {
      if (one.chart.isDisposed()) kept.delete(id);
      else one.chart.setOption(dressed(one.points));
    }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  return {
    async begin(id, points) {
      const chart = await chartOf(id);
      if (!chart) return;
      kept.set(id, { chart, points, live: false });
      chart.setOption(dressed(points), true);
    },
    add(id, point, closed) {
      const one = kept.get(id);
      if (!one || one.chart.isDisposed()) return;
      const last = one.points.at(-1);
      if (last && point[0] < last[0]) return;
      if (one.live) one.points.pop();
      one.points.push(point);
      one.live = !closed;
      if (one.points.length > 6000) one.points.splice(0, 1000);
      one.chart.setOption({ series: series(one.points) });
    },
    points(id) { return kept.get(id)?.points.length ?? 0; },
  };
})();
