// The ladder of the book and the tape of trades: rows are made once and written over.
(() => {
  const shown = (value, digits) => bearskinMarket.fixed(value, digits);
  const row = (cells) => {
    const made = document.createElement("li");
    for (let k = 0; k < cells; k++) made.append(document.createElement("span"));
    return made;
  };
  const rows = (list, count, cells) => {
    while (list.childElementCount < count) list.append(row(cells));
    while (list.childElementCount > count) list.lastChild.remove();
  };
  const write = (cell, text) => { if (cell.textContent !== text) cell.textContent = text; };

  const side = (list, levels, count, digits, qty_digits, most, reversed) => {
    rows(list, Math.min(count, levels.length), 3);
    let sum = 0;
    levels.slice(0, count).forEach(([price, qty], k) => {
      sum += qty;
      const line = list.children[reversed ? list.childElementCount - 1 - k : k];
      write(line.children[0], shown(price, digits)); write(line.children[1], shown(qty, qty_digits)); write(line.children[2], shown(sum, qty_digits));
      line.style.setProperty("--share", `${(100 * sum / most).toFixed(1)}%`);
    });
  };

  const depth = (id, book, digits, qty_digits, count) => {
    const host = document.getElementById(id);
    if (!host) return;
    const total = (levels) => levels.slice(0, count).reduce((sum, one) => sum + one[1], 0);
    const most = Math.max(total(book.bids), total(book.asks)) || 1, few = Math.min(3, qty_digits);
    side(host.querySelector(".asks"), book.asks, count, digits, few, most, true);
    side(host.querySelector(".bids"), book.bids, count, digits, few, most, false);
    const middle = host.querySelector(".mk-spread");
    if (!book.bids.length || !book.asks.length) { write(middle, "one side of the book is empty"); return; }
    const bid = book.bids[0][0], ask = book.asks[0][0];
    write(middle, `spread ${shown(ask - bid, digits)} · ${(2e4 * (ask - bid) / (ask + bid)).toFixed(2)} bp`);
  };

  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms, local) => {
    const d = new Date(ms);
    return local ? `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}` : d.toISOString().slice(11, 19);
  };

  // The trades that have come since the last time; the list keeps those before them.
  const tape = (id, trades, digits, qty_digits, count, local) => {
    const list = document.getElementById(id);
    if (!list) return;
    const kept = list.bearskinTrades = (list.bearskinTrades ?? []).concat(trades).slice(-count);
    rows(list, kept.length, 3);
    kept.slice().reverse().forEach((one, k) => {
      const line = list.children[k], sold = one.side === "sell";
      line.className = sold ? "down" : "up";
      write(line.children[0], clock(one.time_ms, local));
      write(line.children[1], `${sold ? "▼" : "▲"} ${shown(one.price, digits)}`);
      write(line.children[2], shown(one.qty, Math.min(3, qty_digits)));
    });
  };

  window.bearskinSide = { depth, tape };
})();
