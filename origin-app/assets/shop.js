// What changes by itself: live seats, the seat map to choose in, the sum, the countdown. Every page works without it.
"use strict";

const POLL_MS = 3000;
const POLL_SLOW_MS = 15000;
const SENT_MS = 3000;

function money(cents, currency) {
  const whole = ["JPY", "KRW"].includes(currency);
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency })
    .format(whole ? cents : cents / 100);
}

function fill(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in gaps ? String(gaps[name]) : whole));
}

// The picture of the house, as something to choose in: one stop for the tab key, arrows within.
function seatMap(form) {
  const boxes = new Map([...form.querySelectorAll("input[name=seat]")].map((box) => [box.value, box]));
  const places = [...form.querySelectorAll("input[type=number]")];
  const marks = new Map([...form.querySelectorAll("[data-seat]")].map((mark) => [mark.dataset.seat, mark]));
  const sum = form.querySelector("[data-live=sum]");
  const available = document.querySelector("[data-live=available]");
  const max = Number(form.dataset.max);

  function showSum() {
    if (!sum) return;
    const chosen = [...boxes.values()].filter((box) => box.checked);
    let cents = chosen.reduce((total, box) => total + Number(box.dataset.cents), 0);
    let count = chosen.length;
    for (const field of places) {
      count += Number(field.value);
      cents += Number(field.value) * Number(field.dataset.cents);
    }
    const price = money(cents, form.dataset.currency);
    if (count === 0) sum.textContent = "";
    else if (count > max) sum.textContent = fill(form.dataset.sumTooMany, { n: count, max });
    else sum.textContent = `${count === 1 ? form.dataset.sumSeat : fill(form.dataset.sumSeats, { n: count })}, ${price}`;
  }

  function stateOf(box) {
    return ["held", "sold", "mine"].find((state) => box.parentElement.classList.contains(state)) || "available";
  }

  function draw(id) {
    const mark = marks.get(id);
    const box = boxes.get(id);
    if (!mark || !box) return;
    const state = box.checked ? "chosen" : stateOf(box);
    mark.setAttribute("class", `place ${state}`);
    mark.querySelector("use").setAttribute("href", `#m-${state}`);
    mark.setAttribute("aria-checked", String(box.checked));
    mark.setAttribute("aria-disabled", String(box.disabled));
    const words = [...box.parentElement.querySelectorAll(".vh")].map((word) => word.textContent).join("");
    mark.setAttribute("aria-label", `${words} · ${money(Number(box.dataset.cents), form.dataset.currency)}`);
  }

  function toggle(id) {
    const box = boxes.get(id);
    if (!box || box.disabled) return;
    box.checked = !box.checked;
    draw(id);
    showSum();
  }

  function show(seat) {
    const box = boxes.get(seat.id);
    if (!box) return;
    const state = seat.mine && seat.state !== "available" ? "mine" : seat.state;
    if (stateOf(box) === state) return;
    const label = box.parentElement;
    label.className = `seat ${state}`;
    label.querySelector(".state").textContent = state === "available" ? "" : `, ${form.dataset[state]}`;
    box.disabled = state !== "available";
    if (box.disabled) box.checked = false;
    draw(seat.id);
  }

  async function poll() {
    let next = POLL_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(form.dataset.seats, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const { seats, sections } = await answer.json();
          seats.forEach(show);
          available.textContent = sections.reduce((total, section) => total + section.available, 0);
          for (const section of sections) {
            const left = form.querySelectorAll(`[data-left-of="${section.id}"]`);
            left.forEach((text) => { text.textContent = fill(form.dataset.left, section); });
          }
          showSum();
        } else {
          next = POLL_SLOW_MS;
        }
      } catch {
        next = POLL_SLOW_MS;
      }
    }
    // Spread, so that many pages opened at one moment do not ask at one moment.
    setTimeout(poll, next * (0.8 + 0.4 * Math.random()));
  }

  function liven(map) {
    const spots = [...marks.values()].map((mark) => {
      const at = mark.transform.baseVal.consolidate().matrix;
      return { mark, x: at.e, y: at.f };
    });
    if (spots.length === 0) return;
    map.setAttribute("role", "group");
    map.setAttribute("aria-label", `${map.getAttribute("aria-label")}. ${map.dataset.help}`);
    // The picture takes the focus now, and not the frame that scrolls it.
    map.parentElement.removeAttribute("tabindex");
    for (const { mark } of spots) {
      mark.setAttribute("role", "checkbox");
      mark.setAttribute("tabindex", "-1");
      draw(mark.dataset.seat);
    }
    let here = spots.find(({ mark }) => mark.classList.contains("available")) || spots[0];
    here.mark.setAttribute("tabindex", "0");

    function go(to) {
      if (!to) return;
      here.mark.setAttribute("tabindex", "-1");
      here = to;
      here.mark.setAttribute("tabindex", "0");
      here.mark.focus();
    }

    // The nearest seat in that direction; what lies aside counts as farther.
    function next(dx, dy) {
      let best;
      let least = Infinity;
      for (const spot of spots) {
        const along = (spot.x - here.x) * dx + (spot.y - here.y) * dy;
        const aside = Math.abs((spot.x - here.x) * dy) + Math.abs((spot.y - here.y) * dx);
        const far = along + 3 * aside;
        if (along > 1 && far < least) [best, least] = [spot, far];
      }
      return best;
    }

    map.addEventListener("click", (event) => {
      const mark = event.target.closest("[data-seat]");
      if (!mark) return;
      go(spots.find((spot) => spot.mark === mark));
      toggle(mark.dataset.seat);
    });
    map.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key in steps) go(next(...steps[event.key]));
      else if (event.key === " " || event.key === "Enter") toggle(here.mark.dataset.seat);
      else return;
      event.preventDefault();
    });
  }

  const map = form.querySelector("svg.map");
  if (map) {
    liven(map);
    const list = form.querySelector("details.list");
    if (list) list.open = false;
    // On a phone the house is wider than the screen: its middle comes first.
    const frame = map.parentElement;
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  }
  form.addEventListener("change", (event) => {
    if (event.target.name === "seat") draw(event.target.value);
    showSum();
  });
  showSum();
  setTimeout(poll, POLL_MS);
}

function countdown(element) {
  // Counted from when the page came, so that a wrong clock on this device does not matter.
  const end = performance.now() + Number(element.dataset.secondsLeft) * 1000;
  const timer = setInterval(tick, 250);
  let shown = "";
  function tick() {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      setTimeout(() => location.reload(), 1000);
    }
    const seconds = Math.max(0, left);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const text = fill(element.dataset.words, { time });
    if (text !== shown) {
      element.textContent = text;
      shown = text;
    }
    element.classList.toggle("late", left <= 30);
  }
  tick();
}

// The place in the list of those who wait, and whether there is an offer.
function waiting(section) {
  const line = section.querySelector("[data-live=ahead]");
  async function poll() {
    let next = POLL_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(section.dataset.place, { headers: { Accept: "application/json" } });
        const place = answer.ok ? await answer.json() : { state: answer.status === 404 ? "done" : "waiting" };
        if (place.state !== section.dataset.state) {
          location.reload();
          return;
        }
        if (line && Number.isInteger(place.ahead)) {
          const words = [section.dataset.none, section.dataset.one][place.ahead] || section.dataset.some;
          const text = fill(words, { n: place.ahead });
          if (line.textContent !== text) line.textContent = text;
        }
      } catch {
        next = POLL_SLOW_MS;
      }
    }
    setTimeout(poll, next * (0.8 + 0.4 * Math.random()));
  }
  setTimeout(poll, POLL_MS);
}

// A second press while the first is on its way sends nothing.
function sendOnce(form) {
  let sent = -Infinity;
  form.addEventListener("submit", (event) => {
    if (performance.now() - sent < SENT_MS) event.preventDefault();
    else sent = performance.now();
  });
  addEventListener("pageshow", () => { sent = -Infinity; });
}

// What the fan does in this tab is heard in all of theirs.
function busy() {
  const tabs = new BroadcastChannel("busy");
  tabs.postMessage("");
  tabs.close();
}

// Who let the hold end and does nothing more, in whichever tab, has walked away: their place is for the next in line.
function walkAway(form) {
  let timer;
  function wait() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      form.action += "?away=yes";
      form.requestSubmit();
    }, Number(form.dataset.leaveAfter) * 1000);
  }
  new BroadcastChannel("busy").addEventListener("message", wait);
  wait();
}

["pageshow", "pointerdown", "keydown"].forEach((what) => addEventListener(what, busy));
document.querySelectorAll("form[method=post]").forEach(sendOnce);
document.querySelectorAll("[data-leave-after]").forEach(walkAway);
document.querySelectorAll("[data-place]").forEach(waiting);
document.querySelectorAll("form.seatmap").forEach(seatMap);
document.querySelectorAll("[data-seconds-left]").forEach(countdown);
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
