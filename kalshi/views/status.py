from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from kalshi.errors import BadRequest
from kalshi.services.status import status
from kalshi.views.base import ReadView, query_pairs


class StatusView(ReadView):
    """Always 200 for a signed-in caller. Staff count as operators and also see the daemon's state files."""

    def get(self, request: Request) -> HttpResponse:
        if query_pairs(request):
            raise BadRequest("status takes no parameters.")
        response = JsonResponse(status(operator=bool(request.user.is_staff)))
        response["Cache-Control"] = "private, no-cache"
        return response
