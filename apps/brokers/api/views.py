"""The caller's own broker account (spec: api.md, Accounts). No route takes an id."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.brokers import selectors, services
from apps.brokers.api import serializers
from apps.core.api.views import ApiView
from apps.core.phases import call_out
from apps.rbac.access import SIGNED_IN


class BrokerAccountView(ApiView):
    """Mine. PUT keeps the keys and asks the broker about them; whatever it says, they are kept."""

    access = {"GET": SIGNED_IN, "PUT": SIGNED_IN, "DELETE": SIGNED_IN}
    serializer_class = serializers.BrokerAccountRequest

    @extend_schema(responses=serializers.BrokerAccountRow)
    def get(self, request: Request) -> Response:
        return Response(serializers.BrokerAccountRow(selectors.account_of(person(request).pk)).data)

    @extend_schema(responses=serializers.BrokerAccountRow)
    def put(self, request: Request) -> HttpResponse:
        user, data = person(request), self.validated(request)
        check = services.save_account(user=user, **{**data, "api_secret": data["api_secret"] or ""})

        def answer(said: tuple[str, str]) -> Any:
            account = services.note_check(check=check, status=said[0], failure=said[1])
            return Response(serializers.BrokerAccountRow(account).data)

        return call_out(request, check.ask, answer)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        services.remove_account(user=person(request))
        return Response(status=204)
