// The page of one site. Everything it shows comes from /api/v1.
import { TEXTS, choose, current, text } from "./texts.js";
import { card, fetched, kw, local, make, midnight, number, table, useZone, wall } from "./parts.js";
import { flow } from "./flow.js";
import { dayCharts, historyChart } from "./charts.js";

const EVERY_MS = 5000;
const main = document.getElementById("main");
let site = null, state = null, shown = "", drawn = 0;

// -- Now ------------------------------------------------------------------------------------------
function nowPage() {
  const sample = state.sample || {}, soc = sample.soc ?? null, reserve = sample.reserve_soc ?? null;
  const power = card(text("flow"), flow(sample, site));
  const kw_ = sample.battery_kw ?? null;
  const does = kw_ === null ? "unknown" : kw_ > 0.05 ? "charging" : kw_ < -0.05 ? "discharging" : "resting";
  const why = card(text("why"), make("p", { class: "big" }, does === "unknown" ? text("unknown") : `${text(does)} ${kw(Math.abs(kw_))}`),
    make("p", { class: "why" }, sample.reason ? sample.reason.text : ""));
  const battery = card(text("soc"), make("p", { class: "big" }, soc === null ? text("unknown") : `${(100 * soc).toFixed(0)} %`));
  if (soc !== null) {
    const bar = make("div", { class: "soc", role: "img",
      "aria-label": `${text("soc")} ${(100 * soc).toFixed(0)} %, ${text("reserve")} ${reserve === null ? "" : (100 * reserve).toFixed(0)} %` });
    const full = make("div", { class: "full" }); full.style.width = `${100 * soc}%`; bar.append(full);
    if (reserve !== null) {
      const mark = make("div", { class: "reserve" }); mark.style.left = `${100 * Math.min(1, reserve)}%`; bar.append(mark);
      battery.append(bar, make("p", { class: "soft" }, `${text("reserve")} ${(100 * reserve).toFixed(0)} %`),
        make("p", soc >= reserve - 0.005 ? {} : { class: "level-alarm" }, text(soc >= reserve - 0.005 ? "kept" : "short")));
    }
    if (state.would_last_h !== null) {
      battery.append(make("p", {}, `${text("lasts")} ${number(state.would_last_h, 1)} ${text("hours")} ` +
        `(${text("promise")}: ${site.backup_h} ${text("hours")})`));
    }
  }
  const price = card(text("price"));
  if (state.price) {
    price.append(make("p", { class: "big" }, `${state.price.per_kwh.toFixed(4)} ${site.currency}`), make("p", { class: "soft" }, state.price.period));
    if (state.price.next) {
      const next = state.price.next;
      price.append(make("p", {}, `${text("until")} ${next.from.slice(11)}: ${next.per_kwh.toFixed(4)} (${next.period})`));
    }
  } else price.append(make("p", {}, text("unknown")));
  const current_ = state.dr_events.filter((event) => event.start <= state.now && state.now < event.end && !event.cancelled);
  const events = card(text("event"));
  if (!current_.length) events.append(make("p", {}, text("noevent")));
  for (const event of current_) events.append(make("p", {}, `${event.kind} ${event.intervals.map((each) => each.value).join(", ")} ` +
      `${text("to")} ${local(event.end)}${event.opted_out ? ` (${text("optedout")})` : ""}`));
  if (state.plan && state.plan.month_peak_kw !== null) {
    events.append(make("p", { class: "soft" }, `${text("peak")} ${kw(state.plan.month_peak_kw)}`));
  }
  const alarms = card(text("alarms"));
  if (!state.standing_alarms.length) alarms.append(make("p", {}, text("noalarms")));
  for (const alarm of state.standing_alarms.slice(0, 4)) {
    alarms.append(make("p", {}, make("span", { class: `level-${alarm.level}` }, alarm.level), ` ${alarm.text}`));
  }
  if (state.backup) {
    alarms.append(make("p", { class: "level-alarm" }, `${text("mains")}: ${number(state.backup.hours, 1)} ${text("hours")}`));
  }
  power.classList.add("wide");
  main.replaceChildren(power, why, battery, price, events, alarms);
}

// -- the other pages ------------------------------------------------------------------------------
async function todayPage() {
  const chosen = document.getElementById("day")?.value || "";
  const day = await fetched(`day${chosen ? `?day=${chosen}` : ""}`);
  const input = make("input", { type: "date", id: "day", value: day.day });
  input.addEventListener("change", () => show(true));
  const form = make("form", { class: "card wide" }, make("label", { for: "day" }, text("day"), input));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (day.plan) form.append(make("p", { class: "soft" }, `${text("plan")} ${text("issued")} ${local(day.plan.issued)}: ${day.plan.status}`));
  const holders = {}, cards = [];
  for (const [key, title] of [["power", "power"], ["soc", "percent"], ["price", "money"]]) {
    holders[key] = make("div", { class: "chart" });
    const holder = card(text(title), holders[key]); holder.classList.add("wide"); cards.push(holder);
  }
  main.replaceChildren(form, ...cards);
  dayCharts(day, holders);
}
async function alarmsPage() {
  const alarms = await fetched("alarms");
  const rows = (wanted) => alarms.filter(wanted).map((alarm) => [
    make("span", { class: `level-${alarm.level}` }, alarm.level), text(alarm.state), local(alarm.since),
    make("div", {}, make("strong", {}, `${alarm.code}${alarm.subject ? ` ${alarm.subject}` : ""}`), make("div", {}, alarm.text)),
    alarm.state === "cleared" ? local(alarm.cleared) : alarm.what_to_do,
  ]);
  const heads = ["", text("state"), text("since"), text("what"), text("remedy")];
  const standing = rows((alarm) => alarm.state !== "cleared"), over = rows((alarm) => alarm.state === "cleared");
  const first = card(text("standing"), standing.length ? table(heads, standing) : make("p", {}, text("noalarms")));
  const second = card(text("over"), over.length ? table([...heads.slice(0, 4), text("cleared")], over) : make("p", {}, text("none")));
  first.classList.add("wide"); second.classList.add("wide");
  main.replaceChildren(first, second);
}
async function eventsPage() {
  const events = await fetched("events");
  const rows = events.map((event) => [local(event.start), local(event.end), event.text,
    [event.cancelled ? text("cancelled") : "", event.test ? text("test") : "",
      event.opted_out ? `${text("optedout")}: ${event.opted_out.reason}` : ""].filter(Boolean).join(", ")]);
  const all = card(text("events"), rows.length ? table([text("from"), text("to"), text("asks"), text("state")], rows)
    : make("p", {}, text("noevents")));
  all.classList.add("wide");
  main.replaceChildren(all);
}
function devicesPage() {
  const sample = state.sample || {}, traffic = state.traffic;
  const values = Object.entries(sample).filter(([, value]) => typeof value === "number" || value === null)
    .filter(([name]) => name !== "age_s")
    .map(([name, value]) => [name, value === null ? text("unknown") : String(Math.round(value * 1000) / 1000)]);
  const measured = card(text("measured"), make("p", { class: "soft" }, sample.time ? `${text("asof")} ${local(sample.time, true)}` : text("never")),
    table([text("what"), text("value")], values));
  const rows = site.devices.map((device) => {
    const link = traffic?.links?.[device.link], unit = link?.units?.[device.unit] ?? link, writes = traffic?.writes_today?.[device.name];
    const troubles = Object.entries(unit ?? {}).filter(([name, count]) => name !== "requests" && typeof count === "number" && count > 0)
      .map(([name, count]) => `${name} ${count}`).join(", ");
    return [make("div", {}, make("strong", {}, device.name), make("div", { class: "soft" }, device.map)), `${device.link}, ${device.where}`,
      unit ? String(unit.requests) : text("unknown"), unit ? troubles || text("none") : text("unknown"),
      writes ? `${writes.writes} / ${writes.allowed}` : text("none")];
  });
  const heads = [text("device"), text("link"), text("requests"), text("troubles"), text("writes")];
  const devices = card(text("devices"), traffic ? null : make("p", {}, text("nodevices")), table(heads, rows));
  devices.classList.add("wide");
  main.replaceChildren(devices, measured);
}
async function historyPage() {
  const day = (before) => wall(new Date(Date.parse(state.now) - before * 86400000).toISOString()).slice(0, 10);
  const from = make("input", { type: "date", id: "h-from", value: day(7) });
  const to = make("input", { type: "date", id: "h-to", value: day(-1) });
  const columns = make("input", { id: "h-columns", value: "grid_kw,battery_kw,pv_kw,dc_load_kw", size: "32" });
  const every = make("select", { id: "h-every" }, ...["5min", "15min", "1h", "1d"].map((each) =>
    make("option", each === "1h" ? { selected: "" } : {}, each)));
  const csv = make("a", { class: "plain", href: "#", download: "history.csv" }, text("csv"));
  const holder = make("div", { class: "chart" }), note = make("p", { role: "status" });
  const query = () => new URLSearchParams({ start: midnight(from.value), end: midnight(to.value),
    columns: columns.value, every: every.value });
  const load = async () => {
    csv.href = `/api/v1/history.csv?${query()}`;
    note.textContent = "";
    try {
      const data = await fetched(`history?${query()}`);
      if (!data.time.length) note.textContent = text("norows");
      await historyChart(holder, data);
    } catch (error) { note.textContent = error.message; }
  };
  const form = make("form", {}, ...[["from", from], ["to", to], ["columns", columns], ["every", every]].map(([key, input]) =>
    make("label", { for: input.id }, text(key), input)), make("button", { type: "submit" }, text("show")), csv);
  form.addEventListener("submit", (event) => { event.preventDefault(); load(); });
  const whole = card(text("history"), form, note, holder);
  whole.classList.add("wide");
  main.replaceChildren(whole);
  await load();
}

// -- the frame ------------------------------------------------------------------------------------
const PAGES = { now: nowPage, today: todayPage, alarms: alarmsPage, events: eventsPage, devices: devicesPage, history: historyPage };
const LIVE = ["now", "devices"]; // drawn again with each new state

function frame() {
  document.documentElement.lang = current() === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = theme();
  for (const node of document.querySelectorAll("[data-text]")) {
    if (node.dataset.text !== "theme") node.textContent = text(node.dataset.text);
  }
  document.getElementById("language").textContent = current() === "zh" ? "English" : "中文";
  document.getElementById("theme").textContent = text(theme() === "dark" ? "light" : "dark");
  const page = location.hash.slice(1);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash.slice(1) === (page in PAGES ? page : "now");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    if (link.hash === "#alarms" && state?.standing_alarms.length) {
      link.append(make("span", { class: "count" }, String(state.standing_alarms.length)));
    }
  }
  if (!site || !state) return;
  document.title = `${site.name} · siteems`;
  document.getElementById("site-name").textContent = site.name;
  document.getElementById("version").textContent = `siteems ${site.version}`;
  const fresh = document.getElementById("freshness"), sample = state.sample;
  fresh.className = state.live ? "" : "late";
  const when = sample ? `${text("asof")} ${local(sample.time, true)}` : text("never");
  fresh.textContent = state.live ? `${text("live")}, ${when}` :
    `${when}. ${sample ? text(state.daemon.state === "running" ? "late" : "stopped") : ""}`;
}
function theme() {
  return localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
function trouble(error) {
  const line = document.getElementById("trouble");
  line.hidden = !error;
  line.textContent = error ? `${text("trouble")}: ${error.message}` : "";
}
async function show(anew) {
  const page = location.hash.slice(1) in PAGES ? location.hash.slice(1) : "now";
  frame();
  if (!state || (!anew && page === shown && !LIVE.includes(page))) return;
  const turn = ++drawn;
  shown = page;
  try { await PAGES[page](); } catch (error) { if (turn === drawn) trouble(error); }
}
async function refresh() {
  try {
    site ??= await fetched("site");
    useZone(site.timezone);
    state = await fetched("state");
    trouble(null);
  } catch (error) { trouble(error); if (state) state.live = false; }
  await show(false);
  setTimeout(refresh, EVERY_MS);
}
document.getElementById("language").addEventListener("click", () => { choose(current() === "zh" ? "en" : "zh"); show(true); });
document.getElementById("theme").addEventListener("click", () => {
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark"); show(true);
});
addEventListener("hashchange", () => { show(true); main.focus(); });
console.assert(Object.keys(TEXTS.en).length === Object.keys(TEXTS.zh).length);
frame();
refresh();
