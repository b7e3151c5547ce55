"""How often passwords and codes may be tried: one rule for every form that checks one.

Each network has its attempts, over all names and forms. Whoever is signed in has fewer, wherever they are, and takes
from both, so that one person never uses up what all of a network have. Only who is signed in is counted as a person:
half a sign-in, which takes the password alone, must not use up its owner's attempts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kalshi.networks import network_of
from kalshi.services import access, engine

ATTEMPTS, ATTEMPTS_PER_S = 30, 0.5
"""Of one network: what a person never reaches, and guessing one password for many names does."""
OF_PERSON, OF_PERSON_PER_S = 10, 0.1


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Take one attempt. None: go on; else the answer, when there is none left."""
    for name, most, per_s in _shares(request):
        taken = engine.caller_limits().take(name, per_s, most)
        if not taken.allowed:
            return try_later(request, math.ceil(taken.wait_s))
    return None


def try_later(request: HttpRequest, wait_s: int) -> HttpResponse:
    page = render(request, "kalshi/sign_in_later.html", {"wait": spoken(wait_s)}, status=429)
    page["Retry-After"] = str(wait_s)
    page["Cache-Control"] = "no-store"
    return page


def spoken(wait_s: int) -> str:
    """The time to wait, rounded up, for a person."""
    count, unit = (wait_s, "second") if wait_s < 60 else (math.ceil(wait_s / 60), "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _shares(request: HttpRequest) -> Iterator[tuple[str, int, float]]:
    """Name, attempts at once, and attempts a second; the person first, who then takes nothing from the others."""
    if request.user.is_authenticated:
        yield f"attempts:{access.caller_name(request.user, None)}", OF_PERSON, OF_PERSON_PER_S
    yield f"sign-in:{network_of(request.META.get('REMOTE_ADDR', '-'))}", ATTEMPTS, ATTEMPTS_PER_S
