from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from kalshi.errors import BadRequest
from kalshi.services.status import status_for
from kalshi.views.base import ReadView, credential, named_account


class StatusView(ReadView):
    """200 for a signed-in caller, whose accounts it lists; 403 only for naming an account that was not granted.
    Operators also see the daemon's state files.
    """

    def get(self, request: Request) -> HttpResponse:
        slug, query = named_account(request)
        if query:
            raise BadRequest("status takes no parameters but account.")
        response = JsonResponse(status_for(request.user, credential(request), slug))
        response["Cache-Control"] = "private, no-cache"
        return response
