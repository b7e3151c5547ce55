"""Which settings the tests against the demo exchange get from whoever starts them."""

from collections.abc import Mapping

PREFIX = "DEMO_EXCHANGE_"
KEYS = ("KALSHI_PRIVATE_KEY_PATH", "KALSHI_PRIVATE_KEY", "KALSHI_API_SECRET_FILE")
PASSED_ON = ("KALSHI_ENV", "KALSHI_BASE_URL", "KALSHI_API_KEY_ID", "KALSHI_ALLOW_OPEN_KEY_FILE", *KEYS)
WANTED = "NOT TESTED: set KALSHI_ENV=demo, KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH of a key of the demo exchange"


def settings_in(env: Mapping[str, str]) -> dict[str, str]:
    return {name: env[PREFIX + name] for name in PASSED_ON if PREFIX + name in env}


def are_enough(settings: Mapping[str, str]) -> bool:
    """Whether they name the demo exchange (the real one is never tested) and a key for it."""
    return (
        settings.get("KALSHI_ENV") == "demo"
        and "KALSHI_API_KEY_ID" in settings
        and any(name in settings for name in KEYS)
    )
