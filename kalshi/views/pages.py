from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kalshi import conf


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard's frame; its numbers come from the JSON API."""
    return render(request, "kalshi/home.html", {"environment": conf.setup().environment})
