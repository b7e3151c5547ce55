/** Reading bodies whose shape may have drifted. */

/** The value when it is a list, else null: what is not there is not known to be empty. */
export function listOf(value) {
  return Array.isArray(value) ? value : null;
}

/** The value when it is text with something in it, else null. */
export function textOf(value) {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}
