/** Asks for the engine's state every two seconds while the page is looked at, and shows it. */

const EVERY_MS = 2000;
const root = document.getElementById("engine");
const note = document.getElementById("engine-note");

function node(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function badge(text, kind) {
  return node("span", `kg-badge kg-${kind}`, text);
}

const PLACES = new Set(["prod", "demo", "sandbox"]);
const BREAKERS = { closed: "good", half_open: "warn", open: "bad" };
const REDIS = { connected: ["Redis connected", "good"], lost: ["Redis lost", "bad"], none: ["no Redis", "quiet"] };

function account(one) {
  const name = node("td", "", node("strong", "", one.label), " ", badge(one.environment.toUpperCase(), PLACES.has(one.environment) ? one.environment : "quiet"));
  if (one.fault) name.append(node("p", "kg-quiet-text", one.fault));
  if (!one.budget) return node("tr", "", name, node("td", "kg-roomy"), node("td", "kg-roomy"), node("td", "kg-quiet-text", "not read"), node("td"), node("td"));
  const { level, capacity, refill_per_s, tier } = one.budget;
  const meter = node("meter", "kg-meter");
  Object.assign(meter, { min: 0, max: capacity, low: capacity * 0.2, high: capacity * 0.5, optimum: capacity, value: level });
  return node(
    "tr",
    "",
    name,
    node("td", "kg-roomy", node("code", "", one.host)),
    node("td", "kg-roomy", tier ?? "not known yet"),
    node("td", "kg-wide", meter, node("span", "kg-quiet-text", ` ${level} of ${capacity} tokens`)),
    node("td", "kg-number", `${refill_per_s}/s`),
    node("td", "", ...breakers(one)),
  );
}

/** The host's, and the operations that fail by themselves. */
function breakers(one) {
  const host = badge(one.breaker.replace("_", " "), BREAKERS[one.breaker] ?? "quiet");
  if (!one.left_alone.length) return [host];
  return [host, node("p", "kg-quiet-text", `left alone: ${one.left_alone.join(", ")}`)];
}

/** Answers that lacked what their operation promises: Kalshi has renamed something. */
function drift(state) {
  const found = Object.entries(state.drift).map(([operation, number]) => `${operation} (${number})`);
  return found.length ? ` Answers of another shape than documented: ${found.join(", ")}.` : "";
}

function lasting(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

function process(one, now) {
  return node(
    "tr",
    "",
    node("td", "", node("code", "", String(one.pid))),
    node("td", "kg-number", lasting(now - one.started_at)),
    node("td", "kg-number", one.resident_bytes === null ? "—" : `${Math.round(one.resident_bytes / 2 ** 20)} MiB`),
    node("td", "kg-number", String(one.waiting)),
  );
}

function show(state) {
  document.getElementById("engine-accounts").replaceChildren(...state.accounts.map(account));
  document.getElementById("engine-processes").replaceChildren(...state.processes.map((one) => process(one, state.now)));
  document.getElementById("engine-redis").replaceChildren(badge(...REDIS[state.redis]));
  const more = state.more_accounts ? ` ${state.more_accounts} more accounts are not shown.` : "";
  note.textContent = `As of ${new Date(state.now * 1000).toLocaleTimeString()}, every ${EVERY_MS / 1000} seconds.${more}${drift(state)}`;
}

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(root.dataset.url, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(`${answer.status}`);
    show(await answer.json());
  } catch {
    note.textContent = "No answer; trying again. If this stays, sign in again.";
  }
}

async function keepAsking() {
  await ask();
  setTimeout(keepAsking, EVERY_MS);
}

void keepAsking();
