"""The form of the secrets that we hand out: 64 hexadecimal digits, known wherever somebody puts one. Pure."""

import re
import secrets

BYTES = 32

# A digit may be percent-encoded, however often, and a line may have been broken anywhere. Longer runs are masked too:
# somebody may have typed a digit beside it.
_DIGIT = r"(?:[0-9A-Fa-f]|%(?:25)*+(?:3[0-9]|[46][1-6]))"
_GAP = r"(?:[^\x21-\x7e]|%(?:25)*+(?:[01][0-9A-Fa-f]|20)){0,8}+"
# Only from the first digit of a run, or runs that are a little too short would be read once for each of their digits.
_FIRST = r"(?<![0-9A-Fa-f])"
_SECRET = re.compile(f"{_FIRST}(?:{_DIGIT}{{{2 * BYTES},}}+|{_DIGIT}(?:{_GAP}{_DIGIT}){{{2 * BYTES - 1},}}+)")


def new_secret() -> str:
    return secrets.token_hex(BYTES)


def masked(text: str, mask: str) -> str:
    """The text with the mask in the place of each of our secrets."""
    return _SECRET.sub(mask, text)
