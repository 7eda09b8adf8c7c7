// What the fan does: leave, or go on with another device. Without script the same forms lead to pages.

// Other tabs with the same place.
let channel = null;
try { channel = new BroadcastChannel("wr " + room); } catch { /* one tab is all there is */ }
const tell = (word) => { if (channel) channel.postMessage(word); };
if (channel) {
  channel.onmessage = ({ data }) => {
    if (data === "rang") rang = true;
    // It may be known already that the place is gone, but not why.
    if (data === "left" && (!done || state === "expired")) over("left");
  };
}

on("leave-form", "submit", async (event) => {
  event.preventDefault();
  if (!confirm(texts.leave_sure)) return;
  try {
    const answer = await fetch(room + "/ticket", { method: "DELETE", credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status);
    over("left");
    tell("left");
  } catch { linkIs(texts.failed); }
});

on("move-form", "submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await fetch(event.target.action, { method: "POST", credentials: "same-origin", headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    const { link, minutes, qr } = await answer.json();
    write("move-text", fill("move_text", { minutes }));
    at("qr").setAttribute("viewBox", "0 0 " + qr.size + " " + qr.size);
    at("qr").firstElementChild.setAttribute("d", qr.path);
    at("move-link").href = link;
    write("move-link", texts.move_link);
    hide("moving", false);
    at("moving").focus();
  } catch { linkIs(texts.failed); }
});

on("again", "click", (event) => { event.preventDefault(); location.reload(); });

// Begin with what the page says, and go on with what the line says.
if (at("note")) noted = at("note").textContent;
if (at("message")) told = at("message").textContent;
stamp(at("updated") ? at("updated").dateTime : "");
const first = at("position") ? Number(at("position").dataset.number) : 0;
if (first) progress(first);
const opening = at("opening") ? at("opening").dataset : {};
showState(state, opening.at);
showOpening(opening.at, Number(opening.opensIn));
if (state === "admitted") showClaim(Number(main.dataset.claim));
// A page that was written to a file is looked at, not used.
if (location.protocol !== "file:") {
  if (state === "admitted") enter(); else if (state === "expired") done = true; else if (window.WebSocket) listen(); else ask();
}
