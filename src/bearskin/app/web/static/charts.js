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
