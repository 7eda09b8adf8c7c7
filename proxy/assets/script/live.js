// The connection: a WebSocket, else polls; with pauses that grow and differ, so that a crowd does not come back at once.
let poll = Number(main.dataset.poll) || 5000;
let socket = null, failures = 0, misses = 0, polls = 0, timer = 0, watchdog = 0, done = false, lastHeard = 0;

const jitter = (ms) => ms * (0.5 + Math.random());
const later = (ms, act) => { clearTimeout(timer); timer = setTimeout(act, jitter(ms)); };
const linkIs = (words) => write("link", words);

function stop() {
  done = true;
  clearTimeout(timer);
  clearTimeout(watchdog);
  if (socket) socket.close();
}

// The place is over here: it ended, was given up, or is on another device now.
function over(next) {
  stop();
  hide("place", true);
  hide("note", true);
  hide("message", true);
  linkIs("");
  showState(next);
}

function take(status) {
  lastHeard = Date.now();
  linkIs("");
  poll = status.poll_after_ms || poll;
  // Why it ended, only an answer over HTTP says.
  if (status.state === "expired") { if (socket) socket.close(); ask(); return; }
  show(status);
  if (status.state === "admitted") takeTurn(status);
}

async function ask() {
  if (done || entering) return;
  clearTimeout(timer);
  try {
    const answer = await fetch(room + "/ticket", { cache: "no-store", credentials: "same-origin" });
    if (answer.status === 404 || answer.status === 401) {
      const problem = await answer.json().catch(() => ({}));
      if (done) return;
      over(["moved", "voided"].includes(problem.code) ? problem.code : "expired");
      return;
    }
    if (!answer.ok) throw new Error(answer.status);
    const status = await answer.json();
    if (done) return;
    misses = 0;
    if (status.state === "expired") { over(status.note === "voided" ? "voided" : "expired"); return; }
    take(status);
  } catch {
    linkIs(texts.reconnecting);
    misses += 1;
  }
  polls += 1;
  // Where polling works, a socket may work again too: it is tried now and then.
  if (!done && !entering) later(Math.min(poll * 2 ** Math.min(misses, 4), 60000), window.WebSocket && polls % 4 === 0 ? listen : ask);
}

function listen() {
  if (done || socket || entering) return;
  clearTimeout(timer);
  let spoke = false;
  try {
    socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + room + "/live");
  } catch { failures += 1; later(1000, ask); return; }
  const mine = socket;
  // Heartbeats come at least every minute; a line that is silent for longer is dead.
  const alive = () => { clearTimeout(watchdog); watchdog = setTimeout(() => mine.close(), 70000); };
  alive();
  mine.onmessage = (event) => {
    spoke = true;
    failures = misses = 0;
    alive();
    try { take(JSON.parse(event.data)); } catch { /* not ours */ }
  };
  mine.onclose = () => {
    clearTimeout(watchdog);
    if (socket === mine) socket = null;
    if (done || entering || state === "admitted") return;
    failures += 1;
    linkIs(texts.reconnecting);
    // A socket that never spoke may be barred on the way: poll, and try a socket again now and then.
    if (spoke) later(Math.min(250 * 2 ** failures, 30000), listen); else later(Math.min(500 * failures, 5000), ask);
  };
}

// The fan is back, or the network is: what was heard long ago may be dead without a word. A page that nobody looks at
// asks too: its fan may want to be called.
function wake() {
  if (done) return;
  if (state === "admitted") { if (!document.hidden) enter(); return; }
  if (socket && Date.now() - lastHeard < 20000) return;
  if (socket) { const old = socket; socket = null; old.onclose = null; old.close(); }
  failures = 0;
  clearTimeout(timer);
  timer = setTimeout(window.WebSocket ? listen : ask, Math.random() * 1000);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });
document.addEventListener("resume", wake);
window.addEventListener("online", () => { lastHeard = 0; wake(); });
// Back again by the back button, as it was frozen: what it shows is old.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
