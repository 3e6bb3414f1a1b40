// The power flow as a picture: lines move in the direction of the power.
import { text } from "./texts.js";
import { kw } from "./parts.js";

const SVG = "http://www.w3.org/2000/svg";
const STILL_KW = 0.03; // less is the noise of a sensor

function node(name, attributes, content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

// `into` is the power that flows from the part into the site; negative: out of it.
export function flow(values, site) {
  const battery = values.battery_kw;
  const parts = [
    { key: "grid", x: 80, y: 70, into: values.grid_kw ?? null },
    { key: "pv", x: 300, y: 70, into: site.pv_kwp === null ? undefined : values.pv_kw ?? null },
    { key: "battery", x: 520, y: 70, into: negative(battery) },
    { key: "telecom", x: 420, y: 265, into: negative(values.dc_load_kw) },
    { key: "air", x: 180, y: 265, into: negative(values.ac_load_kw) },
  ];
  if (site.has_genset) parts.push({ key: "genset", x: 60, y: 200, into: values.genset_kw ?? null });
  const shown = parts.filter((part) => part.into !== undefined);
  const colours = { grid: "--grid", pv: "--pv", battery: "--battery", telecom: "--load", air: "--load", genset: "--grid" };
  const picture = node("svg", { viewBox: "0 -6 600 350", class: "flow", role: "img" });
  const spoken = shown.map((part) => `${text(part.key)} ${kw(part.into === null ? null : Math.abs(part.into))}`);
  picture.append(node("title", {}, `${text("flow")}: ${spoken.join(", ")}`));
  for (const part of shown) {
    const line = node("line", { x1: part.x, y1: part.y, x2: 300, y2: 165 });
    if (part.into !== null && Math.abs(part.into) > STILL_KW) {
      line.setAttribute("class", part.into > 0 ? "moving" : "moving back");
      line.setAttribute("style", `stroke: var(${colours[part.key]}); stroke-width: ${2 + Math.min(8, Math.abs(part.into))}`);
    }
    picture.append(line);
  }
  picture.append(node("circle", { cx: 300, cy: 165, r: 10, style: "stroke: var(--soft)" }));
  for (const part of shown) {
    picture.append(node("circle", { cx: part.x, cy: part.y, r: 44, style: `stroke: var(${colours[part.key]})` }));
    const power = part.into === null ? null : Math.abs(part.into);
    picture.append(node("text", { x: part.x, y: part.y + 5, class: "value" }, kw(power)));
    picture.append(node("text", { x: part.x, y: part.y + (part.y < 150 ? -52 : 64) }, text(part.key)));
  }
  return picture;
}
// A power that is not known stays so; where the site has no such part, it is left out above.
const negative = (value) => (value === null || value === undefined ? null : -value);
