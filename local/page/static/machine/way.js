/** The way of an update as a live picture: stations with their numbers, and lines on which dots move as updates do. */
import { h } from "../dom.js";
import { number, put, rate } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
/** By name: its label, whether its number is of now or of all, whose number it is, and which flow is its rate. */
const STATIONS = {
  telegram: { label: "At Telegram", now: "telegram", flow: "arrived", note: "undelivered" },
  accepted: { label: "Accepted", all: "accepted", flow: "accepted", note: "by the webhook" },
  waiting: { label: "Waiting", now: "waiting", note: "in the queue" },
  work: { label: "In work", now: "work", flow: "began", note: "at a worker" },
  answered: { label: "Answered", all: "answered", flow: "answered", note: "to the end" },
  back: { label: "Put back", now: "back", flow: "back", note: "for another try" },
  dropped: { label: "Dropped", all: "dropped", flow: "dropped", note: "limited, stale, copies" },
  dead: { label: "Dead", all: "dead", flow: "dead", note: "given up, and kept" },
};
/** In hundredths of the width and in pixels of the height, as the grid in machine.css has them. */
const ROW = [37, 121, 205];
const HALF = 37;
const LINES = {
  accepted: (x) => `M${x(16)} ${ROW[0]} H${x(21)}`,
  queued: (x) => `M${x(37)} ${ROW[0]} H${x(42)}`,
  began: (x) => `M${x(58)} ${ROW[0]} H${x(63)}`,
  answered: (x) => `M${x(79)} ${ROW[0]} H${x(84)}`,
  dropped: (x) => `M${x(76)} ${ROW[0] + HALF} V${ROW[1]} H${x(84)}`,
  dead: (x) => `M${x(74)} ${ROW[0] + HALF} V${ROW[2]} H${x(84)}`,
  back: (x) => `M${x(66)} ${ROW[0] + HALF} V${ROW[1]} H${x(62)}`,
  again: (x) => `M${x(46)} ${ROW[1]} H${x(45)} V${ROW[0] + HALF}`,
};
const FLOW_OF = { queued: "accepted", again: "back" };
const HEIGHT = 242;

let parts;

export function showWay(place, { stations, totals, rates, curves }) {
  parts ??= build(place);
  for (const [name, { now, all, flow }] of Object.entries(STATIONS)) {
    const part = parts.stations[name];
    const value = now ? stations[now] : totals[all];
    put(part.number, number(value));
    put(part.rate, flow ? rate(rates[flow]) : "");
    part.item.dataset.flow = flow ? speed(rates[flow]) : 0;
    part.item.dataset.empty = value ? "no" : "yes";
    if (now) part.item.style.setProperty("--level", Math.min(1, Math.log10(value + 1) / 3));
    if (flow && curves) draw(part.curve, curves[flow]);
  }
  for (const [name, line] of Object.entries(parts.lines)) line.dataset.flow = speed(rates[FLOW_OF[name] ?? name]);
}

function speed(perSecond) {
  if (!perSecond) return 0;
  return perSecond < 2 ? 1 : perSecond < 15 ? 2 : 3;
}

function build(place) {
  const items = {};
  for (const [name, { label, now, flow, note }] of Object.entries(STATIONS)) {
    const value = h("b", { class: "station-number" }, "0");
    const perSecond = h("span", { class: "station-rate" });
    const curve = flow ? svg("polyline", { class: "curve" }) : null;
    const item = h(
      "li", { class: "station", "data-station": name, "data-flow": "0" },
      h("span", { class: "station-label" }, label),
      value, h("span", { class: "visually-hidden" }, now ? " now" : " in all"), perSecond,
      h("span", { class: "station-note" }, note),
      curve && svg("svg", { class: "spark", viewBox: "0 0 60 16", preserveAspectRatio: "none", "aria-hidden": "true" }, curve),
    );
    items[name] = { item, number: value, rate: perSecond, curve };
  }
  const picture = svg("svg", { class: "way-lines", "aria-hidden": "true" }, arrowhead());
  const lines = {};
  for (const name of Object.keys(LINES)) {
    const base = svg("path", { class: "line", "marker-end": "url(#way-arrow)" });
    const dots = svg("path", { class: "dots" });
    picture.append(base, dots);
    lines[name] = dots;
  }
  const list = h("ol", { class: "way", "aria-label": "The way of an update, station by station" },
    Object.values(items).map(({ item }) => item));
  place.append(h("div", { class: "way-picture" }, picture, list));
  new ResizeObserver(([{ contentRect }]) => lay(picture, contentRect.width)).observe(list);
  return { stations: items, lines };
}

function lay(picture, width) {
  picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const paths = picture.querySelectorAll("path.line, path.dots");
  Object.values(LINES).forEach((path, index) => {
    const d = path((hundredths) => ((hundredths * width) / 100).toFixed(1));
    paths[2 * index].setAttribute("d", d);
    paths[2 * index + 1].setAttribute("d", d);
  });
}

function arrowhead() {
  const tip = svg("marker", {
    id: "way-arrow", viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "8", markerHeight: "8",
    markerUnits: "userSpaceOnUse", orient: "auto",
  }, svg("path", { class: "arrow", d: "M0 0 L8 4 L0 8 z" }));
  return svg("defs", {}, tip);
}

function draw(curve, rates) {
  const highest = Math.max(1, ...rates);
  const step = 60 / Math.max(1, rates.length - 1);
  const points = rates.map((value, index) => `${(index * step).toFixed(1)},${(15 - (14 * value) / highest).toFixed(1)}`);
  curve.setAttribute("points", points.join(" "));
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
