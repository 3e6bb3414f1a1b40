// Small parts of pages. Text from the record is only ever set as text, never as HTML.
import { text, current } from "./texts.js";

export function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((each) => each !== null && each !== undefined));
  return node;
}
export const card = (title, ...children) =>
  make("section", { class: "card" }, make("h2", {}, title), ...children.filter((each) => each !== null));

export function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((each) => make("th", { scope: "col" }, each)));
  const lines = rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell ?? ""))));
  const whole = make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": heads.join(", ") }, whole);
}
export const number = (value, digits = 2) =>
  value === null || value === undefined ? text("unknown") : value.toFixed(digits);
export const kw = (value) =>
  value === null || value === undefined ? text("unknown") : `${value.toFixed(2)} kW`;

let zone = "UTC";
export const useZone = (name) => { zone = name; };
export function local(iso, seconds = false) {
  const parts = { timeZone: zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (seconds) parts.second = "2-digit";
  return new Intl.DateTimeFormat(current() === "zh" ? "zh-CN" : "en-GB", parts).format(new Date(iso));
}
// A time as Plotly draws it: the clock of the site, whatever the browser's is.
export function wall(iso) {
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23",
  });
  return parts.format(new Date(iso));
}
// The instant at which a day, YYYY-MM-DD, begins at the site.
export function midnight(day) {
  let instant = Date.parse(`${day}T00:00:00Z`);
  for (let pass = 0; pass < 2; pass += 1) {
    instant += Date.parse(`${day}T00:00:00Z`) - Date.parse(`${wall(new Date(instant).toISOString()).replace(" ", "T")}Z`);
  }
  return new Date(instant).toISOString();
}
export async function fetched(path) {
  const answer = await fetch(`/api/v1/${path}`);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error || JSON.stringify(data.detail) || answer.statusText);
  return data;
}
