// The official TypeScript client reads every operation, and is refused what nobody may have.
// Stands behind the recipe of INTEGRATION.md, which leaves `configuration`, in one module.
import * as kalshi from "kalshi-typescript";
import axios, { AxiosError } from "axios";
import { readFileSync, writeFileSync } from "node:fs";

const plan = JSON.parse(process.env.PLAN);
const found = [];
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

// Every class signs on the axios instance that it is given: one for each key, so that no key signs for another.
function client(changes = {}) {
  const mine = new kalshi.Configuration({ ...configuration, ...changes });
  const parts = Object.entries(kalshi).filter(([name]) => /^[A-Z]\w*Api$/.test(name));
  const apis = parts.map(([, Api]) => new Api(mine, undefined, axios.create()));
  return (operation, args = {}) => {
    const api = apis.find((each) => typeof each[camel(operation)] === "function");
    if (!api) throw new Error(`the client has no ${operation}`);
    const method = api[camel(operation)];
    const names = /\(([^)]*)\)/.exec(method.toString())[1].split(",").map((name) => name.trim());
    const given = Object.fromEntries(Object.entries(args).map(([name, value]) => [camel(name), value]));
    const unknown = Object.keys(given).filter((name) => !names.includes(name));
    if (unknown.length) throw new Error(`${operation} does not take ${unknown}`);
    return method.apply(api, names.map((name) => given[name]));
  };
}

function withKey(name) {
  const { id, file } = plan.keys[name];
  return client({ apiKey: id, privateKeyPath: file });
}

async function refuse(name, call) {
  try {
    await call();
    found.push({ case: name, type: "none", status: null, said: "" });
  } catch (problem) {
    const said = JSON.stringify(problem.response?.data ?? problem.message);
    const type = problem instanceof AxiosError ? "AxiosError" : String(problem);
    found.push({ case: name, type, status: problem.response?.status ?? null, said });
  }
}

const ask = client();
if (plan.phase === "reads") {
  for (const { name, path, arguments: args } of plan.operations) found.push({ path, got: (await ask(name, args)).data });
  const fills = [];
  for (let cursor, more = true; more; more = Boolean(cursor)) {
    const page = (await ask("get_fills", { limit: 60, cursor })).data;
    fills.push(...page.fills);
    cursor = page.cursor;
  }
  found.push({ path: "/portfolio/fills?limit=all", got: fills });
} else if (plan.phase === "refusals") {
  for (const name of ["unknown", "wrong", "narrow"]) await refuse(`${name}_key`, () => withKey(name)("get_balance"));
  await refuse("bad_question", () => ask("get_markets", { limit: 5000 }));
  await refuse("unknown_market", () => ask("get_market", { ticker: "KX-NOPE" }));
  await refuse("unknown_path", () => ask("get_api_keys"));
  const order = { ticker: plan.names.ticker, side: "bid", count: "1.00", price: "0.05" };
  await refuse("write", () => ask("create_order_v2", { create_order_v2_request: order }));
  await refuse("cancel", () => ask("cancel_order_v2", { order_id: plan.names.order_id }));
  const slow = withKey("slow");
  await refuse("too_fast", async () => {
    for (let turn = 0; turn < 10; turn += 1) await slow("get_exchange_status");
  });
  await refuse("rejected_upstream", () => ask("get_settlements", { limit: 7 }));
  const right = Date.now;
  Date.now = () => right() - 60_000;
  await refuse("late_clock", () => ask("get_balance"));
} else {
  await refuse("outage", () => ask("get_fills", { limit: 7 }));
}
writeFileSync(plan.out, JSON.stringify(found));
