"""Health for process supervisors and load balancers; open to everybody and silent about details."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from kalshi.services import health
from kalshi.views.errors import read_only_response


@csrf_exempt
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process is alive."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return read_only_response()
    return JsonResponse({"ok": True}, headers={"Cache-Control": "no-store"})


@csrf_exempt
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when configuration, migrations, database and cache are good, else 503; never asks Kalshi.

    Says which check failed and no more: the details may name hosts and are in the verify script.
    """
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return read_only_response()
    checks = {check.name: check.ok for check in health.readiness()}
    ready = all(checks.values())
    body = {"ready": ready, "checks": checks}
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})
