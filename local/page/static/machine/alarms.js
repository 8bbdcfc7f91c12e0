/** CloudWatch's alarms: those that ring first, with their reason; the others in one line each, folded away. */
import { h } from "../dom.js";
import { clock, put } from "./words.js";

let parts;

export function showAlarms(place, alarms) {
  parts ??= build(place);
  const ringing = (alarms ?? []).filter(({ state }) => state === "rings");
  const others = (alarms ?? []).filter(({ state }) => state !== "rings");
  put(parts.said, sentence(alarms, ringing, others));
  parts.ringing.replaceChildren(...ringing.map(rings));
  parts.others.replaceChildren(
    ...others.map(({ name, state, means }) =>
      h("li", { title: means }, h("span", { class: "alarm-name" }, name), h("span", { class: "alarm-state" }, state))),
  );
  parts.fold.hidden = others.length === 0;
}

function build(place) {
  const said = h("p", { role: "status" });
  const ringing = h("ul", { class: "alarms-ringing" });
  const others = h("ul", { class: "alarms" });
  const fold = h("details", {}, h("summary", {}, "All alarms"), others);
  place.append(h("h3", {}, "Alarms"), said, ringing, fold);
  return { said, ringing, others, fold };
}

function sentence(alarms, ringing, others) {
  if (!alarms) return "CloudWatch says nothing yet.";
  const silent = others.filter(({ state }) => state === "no data yet").length;
  const rest = [`${others.length - silent} in order`, silent && `${silent} ${silent === 1 ? "has" : "have"} no data yet`].filter(Boolean).join(", ");
  return ringing.length ? `${ringing.length === 1 ? "One rings" : `${ringing.length} ring`}; ${rest}.` : `None rings; ${rest}.`;
}

function rings({ name, means, why, since, section }) {
  return h("li", { class: "alarm-rings" },
    h("p", {}, h("b", {}, `⚠ ${name} rings`), since && ` since ${clock(since)}`),
    h("p", {}, means),
    h("p", { class: "alarm-why" }, why),
    section && h("p", {}, "What to do: ", h("a", { href: `/page/runbook/${section}`, target: "_blank" }, `docs/runbook.md, ${name}`)));
}
