/** Showing how each section stands: its mark, its notice, the banner on top and what a screen reader hears. */

import { el, setText } from "./dom.js";
import { mark, reason } from "./freshness.js";

const BANNER = {
  not_signed_in: ["You are signed out.", "The numbers below are the last ones seen."],
  unreachable: ["This server does not answer.", "The numbers below are the last ones seen; it is asked again by itself."],
};

/** Update every `[data-mark=name]` of the page. Returns the mark. */
export function showMark(name, state, now_ms, lastError) {
  const found = mark(state, now_ms, lastError);
  for (const element of document.querySelectorAll(`[data-mark="${name}"]`)) {
    element.dataset.tone = found.tone;
    setText(element.querySelector(".mark-text"), found.text);
  }
  document.querySelector(`[data-section="${name}"]`)?.setAttribute("aria-busy", String(found.tone === "loading"));
  for (const element of document.querySelectorAll(`[data-section="${name}"], [data-from="${name}"]`)) {
    element.dataset.tone = found.tone;
  }
  for (const button of document.querySelectorAll(`[data-refresh="${name}"]`)) {
    button.classList.toggle("busy", state.busy);
  }
  return found;
}

/** The server's sentence above a section's data. What the banner says already is not repeated while there is data. */
export function showNotice(name, { problem, data }, retry) {
  const notice = document.querySelector(`[data-notice="${name}"]`);
  const silent = !problem || (data !== null && problem.code in BANNER);
  notice.hidden = silent;
  if (silent) return;
  const again = el("button", { type: "button", class: "button" }, "Try again");
  again.addEventListener("click", retry);
  const reference = problem.requestId && el("span", { class: "reference" }, `request id ${problem.requestId}`);
  notice.replaceChildren(el("p", {}, problem.sentence), el("div", { class: "notice-foot" }, again, reference));
}

/** What concerns the whole page: `[code, headline, explanation]`, or null. sections: `[{state, mark}]`. */
export function bannerOf(sections) {
  for (const code of Object.keys(BANNER)) {
    if (sections.some(({ state }) => state.problem?.code === code)) return [code, ...BANNER[code]];
  }
  const stale = sections.find(({ mark: { tone }, state }) => tone === "stale" && state.data !== null);
  if (!stale) return null;
  const code = stale.state.problem?.code ?? (stale.state.detail === "refreshing" ? stale.lastError : stale.state.detail);
  const words = code ? reason(code) : "Kalshi is slow to answer";
  const headline = `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  return [code ?? "slow", headline, "The last known numbers stay on the page; each part says how old it is."];
}

/** Show the banner. It is a live region: its text changes only when the situation does. */
export function showBanner(banner) {
  const element = document.querySelector("#banner");
  const [code, headline, explanation] = banner ?? ["", "", ""];
  if (element.dataset.code === code) return;
  element.dataset.code = code;
  element.classList.toggle("shown", banner !== null);
  element.querySelector("a").hidden = code !== "not_signed_in";
  setText(element.querySelector("strong"), headline);
  setText(element.querySelector("span"), explanation);
}

const SPOKEN = { fresh: "up to date again", stale: "stale", error: "no data", off: "switched off" };

/** Say a change of a section's state to screen readers. Returns the tone to compare with next time. */
export function announce(title, before, after) {
  if (before === after || !(after in SPOKEN)) return before;
  if (before !== undefined || after !== "fresh") setText(document.querySelector("#announcements"), `${title}: ${SPOKEN[after]}.`);
  return after;
}
