// What the bot warns of: a note in the corner of every page, and one of the browser's own where it was allowed.
window.bearskinAlerts = {
  tell(kind, text, severity) {
    const place = document.getElementById("toasts");
    if (!place) return;
    const note = document.createElement("div");
    note.className = `toast ${severity}`;
    const words = document.createElement("p");
    words.textContent = text;
    const head = document.createElement("b");
    head.textContent = kind === "rule" ? "Your rule rang" : kind;
    const away = document.createElement("button");
    away.type = "button";
    away.setAttribute("aria-label", "Put the alert away");
    away.textContent = "×";
    away.addEventListener("click", () => note.remove());
    note.append(head, words, away);
    place.append(note);
    while (place.children.length > 4) place.firstChild.remove();
    if (severity !== "critical") setTimeout(() => note.remove(), 20000);
    if ("Notification" in window && Notification.permission === "granted")
      new Notification(`bearskin: ${head.textContent}`, { body: text, tag: text });
  },
  async ask() {
    const said = !("Notification" in window) ? "unsupported" : await Notification.requestPermission();
    const words = { granted: "this browser will tell you too", denied: "this browser does not allow it: change that in its settings for this address" };
    bearskinAlerts.tell("browser", words[said] ?? "this browser cannot tell you", "info");
  },
};
