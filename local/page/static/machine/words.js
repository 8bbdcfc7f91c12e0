/** Numbers and times as the machine's half words them. */
const SPACE = "\u202f";

export function number(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, SPACE);
}

export function rate(perSecond) {
  if (!perSecond) return "";
  return `${perSecond < 10 ? perSecond.toFixed(1) : number(perSecond)}/s`;
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export function clock(unixSeconds, withMilliseconds = false) {
  const at = new Date(unixSeconds * 1000);
  const whole = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  return withMilliseconds ? `${whole}.${String(at.getMilliseconds()).padStart(3, "0")}` : whole;
}

/** Sets a text only if it is another: what has not changed is not drawn anew, nor read out. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
