from django.http import HttpResponse
from rest_framework.request import Request

from kalshi.errors import BadRequest
from kalshi.services.status import status_for
from kalshi.upstream import documents
from kalshi.views.base import ReadView, credential, named_account


class StatusView(ReadView):
    """200 for a signed-in caller, whose accounts it lists; 403 only for naming an account that was not granted.
    Operators also see the daemon's state files.
    """

    def get(self, request: Request) -> HttpResponse:
        slug, query = named_account(request)
        if query:
            raise BadRequest("status takes no parameters but account.")
        body = documents.write(status_for(request.user, credential(request), slug))
        headers = {"Cache-Control": "private, no-cache"}
        return HttpResponse(body, content_type="application/json", headers=headers)
