"""Limits, costs, volume progress and API keys of the account."""

from sandbox.budget import COSTS, DEFAULT_COST, TIERS
from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import count
from sandbox.keys import ApiKey
from sandbox.params import Args
from sandbox.world.days import DAY_S

GOALS = (("expert", 1_000_000), ("premier", 5_000_000))


def get_account_api_limits(view: View, _args: Args) -> Body:
    tier = TIERS[view.exchange.tier]
    return {
        "usage_tier": view.exchange.tier,
        "read": {"refill_rate": tier.read_rate, "bucket_capacity": tier.read_capacity},
        "write": {"refill_rate": tier.write_rate, "bucket_capacity": tier.write_capacity},
        "grants": [],
    }


def get_account_endpoint_costs(_view: View, _args: Args) -> Body:
    costs = [
        {"method": "GET", "path": f"/trade-api/v2{path.replace('{', ':').replace('}', '')}", "cost": cost}
        for path, cost in COSTS.items()
    ]
    return {"default_cost": DEFAULT_COST, "endpoint_costs": costs}


def get_account_api_usage_level_volume_progress(view: View, _args: Args) -> Body:
    since_us = view.now_us - 30 * DAY_S * 1_000_000
    volume = sum(
        fill.count_h
        for trader in view.account.traders.values()
        for fill in trader.ledger.fills
        if fill.at_us >= since_us
    )
    goals = [
        {
            "level": level,
            "earn_volume_goal_fp": count(goal * 100),
            "keep_volume_goal_fp": count(goal * 80),
        }
        for level, goal in GOALS
    ]
    computed = view.now_s // 3600 * 3600
    return {
        "volume_progress": [
            {"computed_ts": computed, "trailing_30d_volume_fp": count(volume), "goals": goals}
        ]
    }


def get_api_keys(view: View, args: Args) -> Body:
    """The account's keys; none of them belongs to a clearing member's subtrader."""
    if args.text("fcm_subtrader_id") is not None:
        return {"api_keys": []}
    return {"api_keys": [key_body(key) for key in view.exchange.keys if key.account == view.account.name]}


def key_body(key: ApiKey) -> Body:
    body: Body = {
        "api_key_id": key.key_id,
        "name": f"sandbox {key.spec.name}",
        "scopes": list(key.spec.scopes),
        "key_type": key.spec.kind,
    }
    if key.subaccount is not None:
        body["subaccount"] = key.subaccount
    return body
