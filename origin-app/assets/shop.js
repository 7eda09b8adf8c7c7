// What changes by itself: live seats, the sum, the countdown. Every page works without it.
"use strict";

const POLL_MS = 3000;
const POLL_SLOW_MS = 15000;
const WORDS = { available: "", held: ", held", sold: ", sold", mine: ", yours" };

function money(cents, currency) {
  const whole = ["JPY", "KRW"].includes(currency);
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency })
    .format(whole ? cents : cents / 100);
}

function seatMap(form) {
  const boxes = new Map([...form.querySelectorAll("input[name=seat]")].map((box) => [box.value, box]));
  const sum = form.querySelector("[data-live=sum]");
  const available = document.querySelector("[data-live=available]");
  const max = Number(form.dataset.max);

  function showSum() {
    const chosen = [...boxes.values()].filter((box) => box.checked);
    const cents = chosen.reduce((total, box) => total + Number(box.dataset.cents), 0);
    const count = chosen.length;
    if (count === 0) {
      sum.textContent = "";
    } else if (count > max) {
      sum.textContent = `${count} seats chosen: ${max} are allowed`;
    } else {
      sum.textContent = `${count} ${count === 1 ? "seat" : "seats"}, ${money(cents, form.dataset.currency)}`;
    }
  }

  function show(seat) {
    const box = boxes.get(seat.id);
    if (!box) return;
    const state = seat.mine && seat.state !== "available" ? "mine" : seat.state;
    const label = box.parentElement;
    if (label.classList.contains(state)) return;
    label.className = `seat ${state}`;
    label.querySelector(".state").textContent = WORDS[state];
    box.disabled = state !== "available";
    if (box.disabled) box.checked = false;
  }

  async function poll() {
    let next = POLL_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(form.dataset.seats, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const { seats } = await answer.json();
          seats.forEach(show);
          available.textContent = seats.filter((seat) => seat.state === "available").length;
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

  form.addEventListener("change", showSum);
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
    const text = `Held for you for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (text !== shown) {
      element.textContent = text;
      shown = text;
    }
    element.classList.toggle("late", left <= 30);
  }
  tick();
}

document.querySelectorAll("form.seatmap").forEach(seatMap);
document.querySelectorAll("[data-seconds-left]").forEach(countdown);
