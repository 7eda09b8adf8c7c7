"use strict";
(() => {
  const main = document.getElementById("line");
  const at = (id) => document.getElementById(id);
  const room = "/.waiting-room/" + main.dataset.room;
  const number = new Intl.NumberFormat("en");
  const words = {
    prequeue: ["You are here in time", "The order will be drawn when the line opens: all who are here by then have the same chance. Coming early gives no advantage. One place is one draw, and refreshing changes nothing. Keep this page open."],
    waiting: ["You are in line", "Keep this page open. You will be let in as soon as it is your turn."],
    admitted: ["It is your turn", "You are being let in."],
    paused: ["The line is paused", "Nobody is let in at the moment. Your place is kept."],
    early: ["Not open yet", "Nobody is let in before the opening. Your place is kept."],
    closed: ["This is closed", "Nobody is let in any more."],
    expired: ["Your place has passed", "Your turn came and went. You can stand in line again."],
    left: ["You have left the line", "Your place went to the fans behind you."],
  };
  let state = main.dataset.state;
  let poll = Number(main.dataset.poll) || 5000;
  let socket = null, failures = 0, misses = 0, polls = 0, timer = 0, watchdog = 0, done = false, entering = false, spoken = 0, ticking = 0, heardAt = "";

  const jitter = (ms) => ms * (0.75 + Math.random() * 0.5);
  const later = (ms, what) => { clearTimeout(timer); timer = setTimeout(what, jitter(ms)); };
  const say = (text) => { at("news").textContent = text; };

  const memory = {
    get() { try { return Number(sessionStorage.getItem("first:" + room)); } catch { return 0; } },
    set(value) { try { sessionStorage.setItem("first:" + room, value); } catch { /* private mode */ } },
  };

  // What was shown goes with the fan to whichever server answers next, so that a place never goes up.
  function remember(position) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = main.dataset.shown + "=" + position + "; Path=/; Max-Age=604800; SameSite=Lax" + secure;
  }

  function waitWords(eta) {
    if (!eta) return "not known yet";
    if (eta.high < 60) return "less than a minute";
    const low = Math.floor(eta.low / 60), high = Math.ceil(eta.high / 60);
    return high < 120 ? between(low, high, "minute") : between(Math.floor(low / 60), Math.ceil(high / 60), "hour");
  }

  function between(low, high, unit) {
    const most = high + " " + unit + (high === 1 ? "" : "s");
    if (low === 0) return "up to " + most;
    return low >= high ? "about " + most : low + " to " + most;
  }

  function progress(position) {
    let first = memory.get();
    if (!first || first < position) { first = position; memory.set(first); }
    at("progress").value = first > 1 ? Math.round(100 * (first - position) / (first - 1)) : 100;
  }

  function showState(next, opens) {
    const changed = next !== state;
    state = next;
    const [heading, lead] = (next === "closed" && opens ? words.early : words[next]) || words.waiting;
    main.dataset.state = at("heading").dataset.state = next;
    at("heading").textContent = heading;
    at("lead").textContent = lead;
    at("again").hidden = next !== "expired" && next !== "left";
    at("leave").hidden = next !== "waiting" && next !== "paused" && next !== "prequeue";
    if (at("draw")) {
      at("undrawn").hidden = next !== "prequeue";
      at("drawn").hidden = next === "prequeue";
    }
    document.title = heading + " · " + main.dataset.title;
    if (changed) say(heading + ". " + lead);
  }

  // The time left is counted from the server's clock, which says both when it opens and what time it is; how far the
  // fan's own clock is off does not matter.
  function showOpening(opensAt, left) {
    at("opens").hidden = !opensAt;
    clearInterval(ticking);
    if (!opensAt) return;
    const moment = new Date(opensAt), deadline = performance.now() + left;
    at("opening").textContent = moment.toLocaleString([], { dateStyle: "long", timeStyle: "medium" });
    const count = () => {
      const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
      const two = (value) => String(value).padStart(2, "0");
      const hours = Math.floor(seconds / 3600);
      at("countdown").textContent = seconds ? hours + ":" + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60) : "Opening…";
    };
    count();
    at("countdown").hidden = false;
    ticking = setInterval(count, 500);
  }

  function show(status) {
    showState(status.state, status.opens_at);
    // While the server itself has no news of the line, its countdown goes on from what it knew last.
    if (status.updated_at !== heardAt || !status.opens_at) {
      showOpening(status.opens_at, new Date(status.opens_at) - new Date(status.updated_at));
      heardAt = status.updated_at;
    }
    const placed = typeof status.position === "number";
    at("place").hidden = !placed;
    if (placed) {
      at("position").textContent = number.format(status.position);
      at("position").dataset.number = status.position;
      at("ahead").textContent = number.format(status.ahead);
      at("wait").textContent = waitWords(status.eta_seconds);
      progress(status.position);
      remember(status.position);
      if (status.state === "waiting") document.title = number.format(status.position) + " in line · " + main.dataset.title;
      // A screen reader hears the place at most once a minute; state changes are told at once.
      if (Date.now() - spoken > 60000) { spoken = Date.now(); say("Your place is " + number.format(status.position) + "."); }
    }
    at("message").textContent = status.message;
    at("message").hidden = !status.message;
    stamp(status.updated_at);
    poll = status.poll_after_ms || poll;
    if (status.state === "admitted") enter();
    if (status.state === "expired") stop();
  }

  function stamp(text) {
    const moment = new Date(text);
    at("updated").dateTime = text;
    at("updated").textContent = isNaN(moment) ? text : moment.toLocaleTimeString();
  }

  function stop() { done = true; clearTimeout(timer); clearTimeout(watchdog); if (socket) socket.close(); }

  async function enter() {
    if (entering) return;
    entering = true;
    try {
      const answer = await fetch(room + "/ticket", { cache: "no-store", credentials: "same-origin" });
      const status = answer.ok ? await answer.json() : null;
      if (status && status.state === "admitted") {
        stop();
        // The page stands at the address that was asked for, so asking again is all there is to do.
        if (location.hash) location.reload(); else location.replace(location.href);
        return;
      }
    } catch { /* tried again below */ }
    entering = false;
    later(1000, ask);
  }

  async function ask() {
    if (done) return;
    try {
      const answer = await fetch(room + "/ticket", { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 404 || answer.status === 401) { showState("expired"); stop(); return; }
      if (!answer.ok) throw new Error(answer.status);
      at("link").textContent = "";
      show(await answer.json());
      misses = 0;
    } catch {
      at("link").textContent = "Reconnecting…";
      misses += 1;
    }
    polls += 1;
    // Where polling works, a socket may work again too: it is tried now and then.
    if (!done && !entering) later(Math.min(poll * (1 + misses), 60000), window.WebSocket && polls % 4 === 0 ? listen : ask);
  }

  function listen() {
    if (done || socket) return;
    let heard = false;
    try {
      socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + room + "/live");
    } catch { failures += 1; later(1000, ask); return; }
    const alive = () => { clearTimeout(watchdog); watchdog = setTimeout(() => socket && socket.close(), 60000); };
    alive();
    socket.onmessage = (event) => {
      heard = true;
      failures = 0;
      at("link").textContent = "";
      alive();
      try { show(JSON.parse(event.data)); } catch { /* not ours */ }
    };
    socket.onclose = () => {
      clearTimeout(watchdog);
      socket = null;
      if (done || entering) return;
      failures += 1;
      at("link").textContent = "Reconnecting…";
      // A socket that never spoke may be barred on the way: poll, and try a socket again now and then.
      if (heard) later(Math.min(500 * 2 ** failures, 30000), listen); else later(Math.min(500 * failures, 5000), ask);
    };
  }

  at("leave").addEventListener("click", async () => {
    if (!confirm("Leave the line? Your place cannot be kept.")) return;
    try {
      const answer = await fetch(room + "/ticket", { method: "DELETE", credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      stop();
      at("place").hidden = at("message").hidden = true;
      showState("left");
    } catch { at("link").textContent = "That did not work. Please try again."; }
  });
  at("again").addEventListener("click", () => location.reload());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !socket && !done) { failures = 0; listen(); } });
  window.addEventListener("online", () => { failures = 0; listen(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  stamp(at("updated").dateTime);
  const first = Number(at("position").dataset.number);
  if (first) progress(first);
  const opening = at("opening").dataset;
  showState(state, opening.at);
  showOpening(opening.at, Number(opening.opensIn));
  if (state === "admitted") enter(); else if (window.WebSocket) listen(); else ask();
})();
