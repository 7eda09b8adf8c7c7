// What the fan sees of a status.
let state = main.dataset.state, spokenAt = 0, heardAt = "", claimEnds = 0, noted = "", told = "";
const counting = {};

// A screen reader hears this: all that changed at once in one piece, or the last words would swallow the first.
let saying = [];
const say = (words) => {
  if (saying.push(words) === 1) queueMicrotask(() => { write("news", saying.join(" ")); saying = []; });
};

const memory = {
  key: "wr-first " + room + " " + main.dataset.joined,
  get() { try { return Number(localStorage.getItem(this.key)); } catch { return 0; } },
  set(value) { try { localStorage.setItem(this.key, value); } catch { /* private mode */ } },
};

// What was shown goes with the fan to whichever server answers next, so that a place never goes up.
function remember(position) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = main.dataset.shown + "=" + position + "; Path=/; Max-Age=604800; SameSite=Lax" + secure;
}

function progress(position) {
  const bar = at("progress");
  if (!bar) return;
  let first = memory.get();
  if (!first || first < position) { first = position; memory.set(first); }
  bar.value = first > 1 ? Math.round(100 * (first - position) / (first - 1)) : 100;
  bar.hidden = false;
}

function showState(next, opens) {
  const changed = next !== state;
  state = next;
  const about = next === "closed" && opens ? "early" : next;
  const heading = texts[about + "_heading"] || texts.waiting_heading, lead = texts[about + "_lead"] || "";
  main.dataset.state = next;
  if (at("heading")) at("heading").dataset.state = next;
  write("heading", heading);
  write("lead", lead);
  const holds = ["waiting", "paused", "prequeue"].includes(next) || about === "early";
  hide("again-box", !["expired", "left", "moved", "voided"].includes(next));
  hide("actions", !holds);
  hide("alert-box", !holds);
  if (!holds) hide("moving", true);
  hide("undrawn", next !== "prequeue");
  hide("drawn", next === "prequeue");
  if (next !== "admitted") { hide("claim", true); claimEnds = 0; }
  document.title = heading + " · " + main.dataset.title;
  if (changed) say(heading + ". " + lead);
}

// Counts down on the browser's own steady clock, from what the server says is left; how far the fan's time of day is
// off does not matter.
function countDown(id, ends, over) {
  clearInterval(counting[id]);
  const count = () => {
    const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    write(id, seconds ? clockWords(seconds) : over);
  };
  count();
  hide(id, false);
  counting[id] = setInterval(count, 500);
}

function showOpening(opensAt, left) {
  hide("opens", !opensAt);
  clearInterval(counting.countdown);
  if (!opensAt) return;
  write("opening", new Date(opensAt).toLocaleString(language, { dateStyle: "long", timeStyle: "medium" }));
  countDown("countdown", performance.now() + left, texts.opening);
}

function showClaim(seconds) {
  if (typeof seconds !== "number" || !seconds) return;
  claimEnds = performance.now() + seconds * 1000;
  hide("claim", false);
  countDown("claim-left", claimEnds, clockWords(0));
}

// What the server has to say is told in the page's language; the operator's words are told as they are.
function showMessage(status) {
  const grave = ["store_away", "rebuilding", "noted"].includes(status.note);
  const note = status.note ? texts["note_" + status.note] || "" : "", message = grave ? "" : status.message;
  if ((grave && note !== noted) || (message && message !== told)) say(grave ? note : message);
  [noted, told] = [note, message];
  write("note", note);
  hide("note", !note);
  write("message", message);
  hide("message", !message);
}

function show(status) {
  const changed = status.state !== state;
  showState(status.state, status.opens_at);
  // While the server itself has no news of the line, its countdown goes on from what it knew last.
  if (status.updated_at !== heardAt || !status.opens_at) {
    showOpening(status.opens_at, new Date(status.opens_at) - new Date(status.updated_at));
    heardAt = status.updated_at;
  }
  const placed = typeof status.position === "number";
  hide("place", !placed);
  if (placed) {
    const position = grouped(status.position);
    write("position", position);
    write("ahead", grouped(status.ahead));
    write("wait", waitWords(status.eta_seconds));
    if (at("position")) at("position").dataset.number = status.position;
    progress(status.position);
    remember(status.position);
    if (status.state === "waiting") document.title = fill("title_position", { position }) + " · " + main.dataset.title;
    // The place is told at most once a minute; what changed besides is told at once.
    if (!changed && Date.now() - spokenAt > 60000) { spokenAt = Date.now(); say(fill("spoken_position", { position })); }
  }
  showMessage(status);
  stamp(status.updated_at);
}

function stamp(text) {
  const moment = new Date(text);
  if (at("updated")) at("updated").dateTime = text;
  write("updated", isNaN(moment) ? text : moment.toLocaleTimeString(language));
}
