// The turn: heard and seen by who asked for it, and taken up.
let entering = false, sound = null, rang = false;
const wantsAlert = () => at("alert") && at("alert").getAttribute("aria-pressed") === "true";

function beep() {
  [0, 0.35, 0.7].forEach((start) => {
    const tone = sound.createOscillator(), volume = sound.createGain(), from = sound.currentTime + start;
    tone.frequency.value = 660 + start * 400;
    volume.gain.setValueAtTime(0.2, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.3);
    tone.connect(volume).connect(sound.destination);
    tone.start(from);
    tone.stop(from + 0.3);
  });
}

function ring() {
  if (rang || !wantsAlert()) return;
  const call = () => {
    if (rang) return;
    rang = true;
    tell("rang");
    try { if (sound) beep(); } catch { /* no sound to be had */ }
    try {
      if (window.Notification && Notification.permission === "granted") {
        const note = new Notification(texts.admitted_heading, { body: main.dataset.title, tag: room });
        note.onclick = () => { window.focus(); note.close(); };
      }
    } catch { /* only a service worker may, on some phones */ }
  };
  // Of two tabs only one rings: the one that gets the lock, and says so to the other. The moments alone would not tell
  // them apart, for browsers wake all tabs that nobody looks at together.
  if (!navigator.locks) { setTimeout(call, Math.random() * 300); return; }
  navigator.locks.request("wr ring " + room, { ifAvailable: true }, (lock) => {
    if (!lock) return null;
    call();
    return new Promise((over) => setTimeout(over, 5000));
  });
}

on("alert", "click", async () => {
  const wants = !wantsAlert();
  at("alert").setAttribute("aria-pressed", String(wants));
  hide("alert-on", !wants);
  if (!wants) return;
  // Browsers allow sound only where the fan once touched the page: this is the touch.
  try { sound = sound || new AudioContext(); await sound.resume(); } catch { sound = null; }
  try { if (window.Notification && Notification.permission === "default") await Notification.requestPermission(); } catch { /* sound alone */ }
});

// Who looks at the page goes in at once. Who does not is called, and their time inside begins when they come; but a
// turn is not left to pass while the page is there.
function takeTurn(status) {
  showClaim(status.claim_seconds);
  ring();
  const left = claimEnds ? claimEnds - performance.now() : 0;
  if (!document.hidden || left < 40000) enter();
  else setTimeout(() => state === "admitted" && enter(), left - 40000);
}

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

on("enter", "click", (event) => { event.preventDefault(); enter(); });
