// Numbers and times as people read them.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, notation: "compact" });

export const number = (value) => (typeof value === "number" ? whole.format(value) : "–");

export const compact = (value) => (Math.abs(value) < 10000 ? whole.format(value) : short.format(value));

export function duration(seconds) {
  if (typeof seconds !== "number") return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const minutes = Math.round(seconds / 60);
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

// From one to another, in one unit.
export function range(low, high) {
  if (typeof low !== "number" || typeof high !== "number") return "–";
  const minutes = high >= 90 && high < 5400, from = minutes ? `${Math.round(low / 60)} min` : duration(low), to = duration(high);
  if (from === to) return `about ${to}`;
  const [number, unit] = from.split(" ");
  return from.split(" ").length === 2 && to.split(" ").length === 2 && to.endsWith(` ${unit}`) ? `${number} to ${to}` : `${from} to ${to}`;
}

export const millis = (value) =>
  typeof value !== "number" ? "–" : value < 1000 ? `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;

export const percent = (value) => (typeof value === "number" ? `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %` : "–");

export const clock = (moment, withSeconds = true) =>
  new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...(withSeconds && { second: "2-digit" }), hourCycle: "h23" });

export function moment(text) {
  const at = new Date(text);
  const today = at.toDateString() === new Date().toDateString();
  return today ? clock(at) : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${clock(at)}`;
}

// Keys of a configuration, as people call them.
const KEYS = {
  drain_per_minute: "Rate",
  max_active: "Places inside",
  mode: "Mode",
  message: "Message",
};

export const keyWords = (key) => KEYS[key] || key;

export const valueWords = (value) =>
  value === undefined || value === null || value === "" ? "nothing" : typeof value === "number" ? number(value) : String(value);
