// The page: who looks, which room, and asking the edge again and again.

import { read, token } from "./api.js";
import { Audit } from "./audit.js";
import { Controls } from "./controls.js";
import { at, attribute, el, say, write } from "./dom.js";
import { Fan } from "./fan.js";
import { Figures } from "./figures.js";
import { History, SPANS } from "./history.js";
import { clock, number, range } from "./words.js";

const EVERY = 2000, PREVIEW_EVERY = 4000, AUDIT_EVERY = 6000;
// Figures older than this are not called live.
const STALE = 6000;

let page = null;

const main = at("main");
const wanted = () => decodeURIComponent(location.hash.slice(1));

class Page {
  constructor(me) {
    Object.assign(this, { me, rooms: [], room: null, tag: null, span: Object.keys(SPANS)[0], history: null, heard: 0, behind: 0, problem: null, due: {} });
    this.nav = el("ul", { class: "rooms" });
    this.heading = el("h1", { "data-testid": "room" });
    this.phase = el("span", { class: "phase", "data-testid": "phase" });
    this.warnings = el("div", { class: "warnings", role: "alert", "data-testid": "warnings" });
    this.figures = new Figures((span) => { this.span = span; this.history = null; this.hurry(); });
    this.controls = null;
    this.fan = new Fan(() => this.changed());
    this.audit = new Audit();
    main.replaceChildren(
      this.rail = el("nav", { "aria-label": "Rooms", hidden: true }, this.nav), this.warnings,
      el("div", { class: "row head" }, this.heading, this.phase), this.shadow = el("p", { class: "note", "data-testid": "shadow" }), this.figures.tileList,
      this.columns = el("div", { class: "columns" }, this.figures.element), this.fan.element, this.audit.element);
  }

  async start() {
    this.newControls();
    for (const id of ["bar", "skip"]) at(id).hidden = false;
    write(at("me"), `${this.me.name}, ${this.me.role}`);
    this.ticking = setInterval(() => this.showLink(), 1000);
    await this.turn();
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.next);
    clearInterval(this.ticking);
  }

  newControls() {
    this.controls?.element.remove();
    this.controls = new Controls({ onDone: () => this.changed(), onLast: (effect) => this.figures.showLast(effect) });
    this.columns.prepend(this.controls.element);
  }

  hurry() {
    clearTimeout(this.next);
    this.due = {};
    return this.turn();
  }

  // Something was changed here: what comes of it is shown at once.
  async changed() {
    await this.hurry();
  }

  isDue(what, every) {
    const now = performance.now();
    if (this.due[what] && now - this.due[what] < every - 50) return false;
    this.due[what] = now;
    return true;
  }

  // One round of questions at a time; the next follows it.
  turn() {
    this.turning = (this.turning || Promise.resolve()).then(() => this.round());
    return this.turning;
  }

  async round() {
    if (this.isOver) return;
    clearTimeout(this.next);
    try {
      await this.ask();
      this.failure = null;
    } catch (error) {
      if (error.status === 401) return leave("The token is not accepted any more.");
      if (!("status" in error)) throw error;
      this.failure = error;
    }
    this.showLink();
    if (!this.isOver) this.next = setTimeout(() => this.turn(), EVERY);
  }

  async ask() {
    const { value, tag } = await read("rooms");
    Object.assign(this, { rooms: value.rooms, tag, problem: value.problem, heard: performance.now() });
    const room = this.rooms.find(({ id }) => id === wanted()) || this.rooms[0];
    if (!room) return;
    if (room.id !== this.room?.id) {
      if (this.room) this.newControls();
      this.history = null;
      this.due = {};
    }
    this.room = room;
    this.showRoom();
    if (!this.history) this.history = new History(room.id, SPANS[this.span].span);
    await this.history.refresh();
    this.behind = room.at ? Math.max(0, this.history.now - room.at) : 0;
    this.figures.showHistory(this.history, this.span);
    if (this.isDue("preview", PREVIEW_EVERY)) await this.controls.refresh();
    if (this.isDue("audit", AUDIT_EVERY)) await this.audit.refresh(room.id);
  }

  showRoom() {
    const { room } = this;
    document.title = `${number(room.waiting)} waiting · ${room.title || room.id} · Stanchion`;
    write(this.heading, room.title || room.id);
    write(this.phase, room.phase);
    attribute(this.phase, "data-phase", room.phase);
    this.figures.showRoom(room);
    this.controls.show(room, this.tag, this.me);
    this.fan.show(room, this.me);
    this.showRooms();
    this.showShadow(room.shadow);
    const warnings = [
      !room.reachable && "This edge cannot reach the line: who waits, who is inside and the drain are as it knew them last. Nobody is admitted meanwhile.",
      room.reachable && room.rebuilding && "The line is being put back together. Nobody is admitted meanwhile; it takes some seconds.",
      this.problem && `A newer configuration is not in force: ${this.problem}`,
    ].filter(Boolean);
    const key = warnings.join();
    if (key !== this.warned) this.warnings.replaceChildren(...warnings.map((text) => el("p", { class: "note" }, text)));
    this.warned = key;
  }

  // Who would wait, where everybody passes and that is counted.
  showShadow(shadow) {
    this.shadow.hidden = !shadow;
    if (!shadow) return;
    const wait = typeof shadow.wait_low_seconds === "number" ? `, and who comes now would wait ${range(shadow.wait_low_seconds, shadow.wait_high_seconds)}` : "";
    write(this.shadow, `Shadow: everybody passes. ${number(shadow.waiting)} would wait now, ${number(shadow.active)} would be inside${wait}.`);
  }

  showRooms() {
    const key = this.rooms.map(({ id }) => id).join();
    if (key !== this.listed) {
      this.listed = key;
      this.rail.hidden = this.rooms.length < 2;
      this.nav.replaceChildren(...this.rooms.map(({ id }) => el("li", {},
        el("a", { href: `#${encodeURIComponent(id)}` }, el("span", {}), " ", el("span", { class: "soft" })))));
    }
    this.rooms.forEach((room, index) => {
      const link = this.nav.children[index].firstChild, [name, figures] = link.querySelectorAll("span");
      write(name, room.title || room.id);
      write(figures, `${number(room.waiting)} waiting, ${room.phase}`);
      if (room.id === this.room.id) attribute(link, "aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }

  // How old what is shown is; and why, where it is not new.
  showLink() {
    const link = at("link"), { failure } = this;
    const age = this.heard ? performance.now() - this.heard : 0;
    const seconds = Math.round(age / 1000), since = clock(Date.now() - age);
    const stale = age > STALE || (failure && age > EVERY);
    const state = !this.heard ? "new" : stale ? "lost" : this.room?.reachable === false ? "away" : "live";
    const words = {
      new: failure ? `Not connected: ${failure.message}` : "Connecting…",
      live: "Live",
      away: `The line is out of reach: figures are ${Math.round((this.behind + age) / 1000)} s old`,
      lost: `${failure?.isSilence === false ? failure.message : "No connection"}: figures are ${seconds} s old, from ${since}`,
    }[state];
    if (state !== link.dataset.state) {
      if (state === "lost") say("The connection is lost. The figures are old.");
      if (state === "live" && link.dataset.state === "lost") say("Connected again.");
    }
    attribute(link, "data-state", state);
    attribute(main, "data-link", state);
    write(link, words);
  }
}

function leave(words = "") {
  page?.stop();
  page = null;
  token.forget();
  for (const id of ["bar", "skip"]) at(id).hidden = true;
  document.title = "Stanchion";
  showLogin(words);
}

function showLogin(words) {
  const field = el("input", { id: "token", type: "password", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false", "data-testid": "token", "aria-describedby": "login-said" });
  const said = el("p", { class: "said", role: "alert", id: "login-said", "data-kind": "wrong", "data-testid": "login-said" });
  const button = el("button", { type: "submit", "data-testid": "sign-in" }, "Sign in");
  const form = el("form", { class: "card login" },
    el("h1", {}, "Stanchion"), el("label", { for: "token" }, "Token"), field, button, said,
    el("p", { class: "soft" }, "One of those in STANCHION_ADMIN_TOKENS, or in the file that admin_tokens_file names. It is kept in this tab until you sign out or close it."));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const bearer = field.value.trim();
    try {
      const { value } = await read("me", bearer);
      token.set(bearer);
      await enter(value);
    } catch (error) {
      if (!("status" in error)) throw error;
      write(said, error.status === 401 && error.code === "unauthorized" ? "That is no token of this edge." : error.message);
      field.focus();
      field.select();
    } finally {
      button.disabled = false;
    }
  });
  main.replaceChildren(form);
  write(said, words);
  field.focus();
}

async function enter(me) {
  page = new Page(me);
  await page.start();
  if (page) main.focus({ preventScroll: true });
}

async function begin() {
  if (!token.get()) return showLogin("");
  try {
    await enter((await read("me")).value);
  } catch (error) {
    if (error.status === 401) return leave("The token is not accepted any more.");
    if (!("status" in error)) throw error;
    // The edge may be back in a moment; the token is as good as before.
    main.replaceChildren(el("p", { class: "card", role: "alert" }, `${error.message}; trying again.`));
    setTimeout(begin, EVERY);
  }
}

at("leave").addEventListener("click", () => leave());
// Its address is the room's, so the way past the controls is not a link to anywhere.
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  const figures = at("figures-heading");
  figures.scrollIntoView();
  figures.focus();
});
window.addEventListener("hashchange", () => page?.hurry());
window.addEventListener("online", () => page?.hurry());
document.addEventListener("visibilitychange", () => { if (!document.hidden) page?.hurry(); });
begin();
