/** The signs on buttons: lines on a field of 24 × 24. */
const PATHS = {
  back: "M15 5l-7 7 7 7",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.6-6 7.5-6M18.5 14.5v6M15.5 17.5h6",
  group: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-3.6 3-5.5 6.5-5.5M16 5a3.4 3.4 0 0 1 0 6.6M18.5 14.5v6M15.5 17.5h6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  attach: "M20 11.5l-8 8a5.2 5.2 0 0 1-7.4-7.4l8.3-8.2a3.5 3.5 0 0 1 5 5l-8.3 8.2a1.7 1.7 0 0 1-2.5-2.4l7.4-7.4",
  send: "M4 11.5L20 4l-5 16-3.5-6.5L4 11.5zM11.5 13.5L20 4",
  commands: "M9 19l6-14M4.5 12h.01M19.5 12h.01",
  keyboard: "M3.5 6.5h17v11h-17zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  reply: "M9.5 6L4 11.5 9.5 17M4.5 11.5H14c4 0 6 2.5 6 6.5",
  close: "M6 6l12 12M18 6L6 18",
  file: "M7 3.5h7l4.5 4.5v12.5H7zM13.5 4v4.5H18",
  down: "M12 5v13M6 12.5l6 6 6-6",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const attributes = { viewBox: "0 0 24 24", width: 20, height: 20, fill: "none", stroke: "currentColor", "aria-hidden": "true" };
  Object.assign(attributes, { "stroke-width": name === "more" ? 3 : 1.9, "stroke-linecap": "round", "stroke-linejoin": "round" });
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
