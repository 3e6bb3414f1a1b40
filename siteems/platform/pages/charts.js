// Charts by Plotly, which is loaded when the first one is drawn.
import { text } from "./texts.js";
import { wall } from "./parts.js";

let loading = null;
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/plotly.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("/plotly.js"));
    document.head.append(script);
  });
  return loading;
}
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export async function draw(holder, traces, title, shapes = [], range = undefined) {
  const library = await plotly();
  const soft = colour("--line");
  const layout = {
    margin: { l: 48, r: 12, t: 8, b: 36 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--ink") }, legend: { orientation: "h", y: 1.15 }, shapes, hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--card"), font: { color: colour("--ink") } },
    xaxis: { type: "date", gridcolor: soft, zerolinecolor: soft, range }, yaxis: { title: { text: title }, gridcolor: soft, zerolinecolor: soft },
  };
  await library.newPlot(holder, traces, layout, { responsive: true, displayModeBar: false });
}
const line = (name, x, y, tone, more = {}) => ({
  type: "scatter", mode: "lines", name, x, y, line: { color: colour(tone), width: 2, ...more.line }, ...more.trace,
});
const step = { line: { shape: "hv" } };
const dashed = { line: { dash: "dot", shape: "hv" } };

export function dayCharts(day, holders) {
  const { measured, plan } = day;
  const x = measured.time.map(wall), c = measured.columns;
  const load = x.map((_, i) => sum(c.dc_load_kw?.[i], c.ac_load_kw?.[i]));
  const px = plan ? plan.time.map(wall) : [], p = plan ? plan.columns : {};
  const percent = (values) => (values || []).map((each) => (each === null ? null : 100 * each));
  const shapes = day.events.filter((event) => !event.cancelled && !event.test).flatMap((event) =>
    event.intervals.map((each) => ({
      type: "rect", yref: "paper", y0: 0, y1: 1, x0: wall(each.start), x1: wall(each.end), line: { width: 0 },
      fillcolor: colour("--plan"), opacity: 0.15,
    })));
  shapes.push({
    type: "line", yref: "paper", y0: 0, y1: 1, x0: wall(day.now), x1: wall(day.now), line: { color: colour("--soft"), width: 1 },
  });
  const range = [wall(day.start), wall(plan && plan.end > day.end ? plan.end : day.end)];
  draw(holders.power, [
    line(text("grid"), x, c.grid_kw, "--grid"), line(text("load"), x, load, "--load"), line(text("pv"), x, c.pv_kw, "--pv"),
    line(text("battery"), x, c.battery_kw, "--battery"),
    line(`${text("grid")}, ${text("planned")}`, px, p.grid_kw, "--grid", dashed),
    line(`${text("battery")}, ${text("planned")}`, px, p.battery_kw, "--battery", dashed),
  ], text("power"), shapes, range);
  draw(holders.soc, [
    line(text("soc"), x, percent(c.soc), "--battery"), line(text("reserve"), x, percent(c.reserve_soc), "--alarm"),
    line(`${text("soc")}, ${text("planned")}`, px, percent(p.soc), "--battery", { line: { dash: "dot" } }),
    line(`${text("reserve")}, ${text("planned")}`, px, percent(p.reserve_soc), "--alarm", { line: { dash: "dot" } }),
  ], text("percent"), shapes, range);
  draw(holders.price, [
    line(text("price"), day.prices.map((each) => each.from), day.prices.map((each) => each.per_kwh), "--plan", step),
  ], text("money"), [], range);
}
const sum = (a, b) => (a === null || a === undefined ? null : a + (b ?? 0));

export function historyChart(holder, data) {
  const tones = ["--grid", "--battery", "--pv", "--load", "--plan", "--alarm", "--warning", "--soft"];
  const x = data.time.map(wall);
  const names = Object.keys(data.columns).filter((name) => name !== "coverage");
  return draw(holder, names.map((name, i) => line(name, x, data.columns[name], tones[i % tones.length])), "");
}
