/** Shows a frame: `kind` is "snapshot", which has everything, or "change", which has what is new. */
export function show(_frame) {}
