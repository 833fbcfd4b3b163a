// A chart that the page draws itself: `then(chart)` once ECharts stands and NiceGUI has given it its first options.
// NiceGUI asks every 10 ms whether the chart is there, as often as the element was changed before, and each time it then
// sets its own, empty options in place of everything: what was drawn sooner would lose its axes.
window.bearskinChart = (find, then, given_up = () => false, tries = 500) => {
  const GIVEN_MS = 40;
  if (given_up()) return;
  const chart = find()?.chart;
  if (chart?.given) then(chart);
  else if (chart) setTimeout(() => { chart.given = true; if (!given_up() && !chart.isDisposed()) then(chart); }, GIVEN_MS);
  else if (tries) setTimeout(window.bearskinChart, 20, find, then, given_up, tries - 1);
};

// Text and lines of a chart that the server has described, in the colours of the theme, and again when that changes.
(() => {
  const dressed = new Set();
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const dress = (chart) => {
    const text = { color: colour("--muted") }, line = { lineStyle: { color: colour("--line") } };
    const axis = { axisLabel: text, nameTextStyle: text, axisLine: line, splitLine: { lineStyle: { ...line.lineStyle, opacity: .6 } } };
    const { xAxis = [], yAxis = [], series = [], legend = [] } = chart.getOption();
    chart.setOption({
      xAxis: xAxis.map(() => axis), yAxis: yAxis.map(() => axis), legend: legend.map(() => ({ textStyle: text })),
      tooltip: { backgroundColor: colour("--panel"), borderColor: colour("--line"), textStyle: { color: colour("--text") } },
      series: series.map((one) => one.markLine ? { id: one.id, name: one.name, markLine: { label: text, lineStyle: { color: text.color } } } : { id: one.id, name: one.name }),
    });
  };
  window.bearskinDress = (id) => bearskinChart(() => window.getElement && getElement(id), (chart) => { dressed.add(chart); dress(chart); });
  new MutationObserver(() => {
    for (const chart of dressed) if (chart.isDisposed()) dressed.delete(chart); else dress(chart);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
