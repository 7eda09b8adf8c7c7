// The page's elements and words. A template may leave elements out; what is not there is not written.
const main = document.getElementById("line");
const at = (id) => document.getElementById(id);
const write = (id, words) => { const element = at(id); if (element && element.textContent !== words) element.textContent = words; };
const hide = (id, hidden) => { const element = at(id); if (element) element.hidden = hidden; };
const on = (id, event, act) => { const element = at(id); if (element) element.addEventListener(event, act); };
const room = "/.waiting-room/" + main.dataset.room;
const texts = JSON.parse(at("texts").textContent);
const language = document.documentElement.lang;

const fill = (key, values) => (texts[key] || "").replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));

// As the server writes numbers, so that they do not change their looks when the script takes over.
const grouped = (number) => {
  const digits = String(number);
  return digits.length < texts.group_from ? digits : digits.replace(/\B(?=(\d{3})+$)/g, () => texts.group);
};

function waitWords(eta) {
  if (!eta) return texts.wait_unknown;
  if (eta.high < 60) return texts.wait_under_minute;
  const low = Math.floor(eta.low / 60), high = Math.ceil(eta.high / 60);
  if (high < 120) return between(low, high, "minute");
  return between(Math.floor(low / 60), Math.ceil(high / 60), "hour");
}

function between(low, high, unit) {
  const values = { low: grouped(low), high: grouped(high) };
  if (low === 0) return fill(high === 1 ? "wait_up_to_minute" : "wait_up_to_" + unit + "s", values);
  if (low >= high) return fill(high === 1 ? "wait_minute" : "wait_about_" + unit + "s", values);
  return fill("wait_" + unit + "s", values);
}

const clockWords = (seconds) => {
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600), rest = two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60);
  return hours ? hours + ":" + rest : rest;
};
