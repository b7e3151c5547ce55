/* Runs after htmx and before it starts: its indicator's styles would stand in the page, which the policy forbids. */
if (window.htmx) {
  window.htmx.config.includeIndicatorStyles = false;
  window.htmx.config.allowEval = false;
}
