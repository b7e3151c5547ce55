from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kalshi import conf

_STATIC = Path(__file__).resolve().parent.parent / "static"
# Named in the page's head, so that the browser fetches them side by side and not one import after the other.
MODULES = sorted(str(path.relative_to(_STATIC)) for path in (_STATIC / "kalshi" / "js").glob("*.js"))


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard's frame; its numbers come from the JSON API."""
    shown = {"environment": conf.setup().environment, "modules": MODULES}
    return render(request, "kalshi/home.html", shown)
