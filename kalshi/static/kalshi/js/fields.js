/** Reading bodies whose shape may have drifted. */

/** The value when it is a list, else an empty one. */
export function listOf(value) {
  return Array.isArray(value) ? value : [];
}

/** The value when it is text with something in it, else null. */
export function textOf(value) {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}
