"""What continues in Kalshi's archive: with `history=true` live data and archive are one document."""

import time
from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from kalshi.errors import BadRequest
from kalshi.services import read
from kalshi.services.history_age import combined
from kalshi.services.history_kept import Question, document
from kalshi.views.base import caller, chosen_account
from kalshi.views.upstream import UpstreamView, wants_fetch, with_freshness


class HistoryView(UpstreamView):
    """Without `history=true` as every other endpoint."""

    def get(self, request: Request, **path_args: str) -> HttpResponse:
        account, pairs = chosen_account(request)
        if all(name != "history" for name, _ in pairs):
            return super().get(request, **path_args)
        if [value for name, value in pairs if name == "history"] != ["true"]:
            raise BadRequest("history must be true, once, or left out.")
        query = tuple(pair for pair in pairs if pair[0] != "history")
        question = Question(self.endpoint, query, path_args, forced=wants_fetch(request))
        who = caller(request)
        reader = partial(read.read, account=account, caller=who)
        made = document(question, reader, account=account, caller=who)
        answer, options = combined(made.body, made.etag, made.readings, now := time.time())
        return with_freshness(request, answer, options, now)
