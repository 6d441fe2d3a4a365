"""The wallet (spec: api.md, Wallet). `GET /wallet` also names pending commissions, so it lives in reports."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.caller import person
from apps.accounts.models import User
from apps.core.api.filters import DayRangeFilter
from apps.core.api.pagination import SignedCursorPagination
from apps.core.api.views import ApiView, Exported, ListView
from apps.core.errors import Invalid, NotFound
from apps.rbac.access import SIGNED_IN, requires
from apps.sites.selectors import current_site
from apps.wallet import selectors, services
from apps.wallet.api import serializers
from apps.wallet.models import Entry, Pocket, Posting


class LedgerFilter(DayRangeFilter):
    day_field = "entry__created_at"

    pocket = django_filters.ChoiceFilter(field_name="account__kind", choices=Pocket.choices)
    kind = django_filters.ChoiceFilter(field_name="entry__kind", choices=Entry.Kind.choices)
    ref_type = django_filters.CharFilter(field_name="entry__ref_type")
    ref_id = django_filters.CharFilter(field_name="entry__ref_id")

    class Meta:
        model = Posting
        fields: list[str] = []


class LedgerPagination(SignedCursorPagination):
    ordering = "-id"


class LedgerView(ListView):
    """Everything that moved in the caller's pockets, newest first."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.LedgerRow
    filterset_class = LedgerFilter
    pagination_class = LedgerPagination
    exported = Exported(money=("amount", "balance_after"))

    def get_queryset(self) -> Any:
        return selectors.ledger_of(person(self.request).pk)


class TransferView(ApiView):
    """Move earnings to funds. It can't be undone."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.TransferRequest

    @extend_schema(responses={201: serializers.CreditRow})
    def post(self, request: Request) -> Response:
        amount = self.validated(request)["amount"]
        user = person(request)
        currency = current_site().currency
        entry = services.transfer_to_funds(user_id=user.pk, amount=amount, currency=currency)
        return Response(_row(entry, user.pk, amount, currency), status=201)


class CreditView(ApiView):
    """Credit a member's earnings, once per ref."""

    access = {"POST": requires("payout.manage", step_up=True)}
    serializer_class = serializers.CreditRequest

    @extend_schema(responses={200: serializers.CreditRow, 201: serializers.CreditRow})
    def post(self, request: Request) -> Response:
        data = self.validated(request)
        if data["currency"] != current_site().currency:
            raise Invalid("currency_mismatch", "This site has another currency.", field="currency")
        if not User.objects.members().filter(pk=data["user_id"]).exists():
            raise NotFound()
        entry, made = services.credit_user(actor=request.user, **data)
        body = _row(entry, data["user_id"], data["amount"], data["currency"])
        return Response(body, status=201 if made else 200)


def _row(entry: Entry, user_id: Any, amount: int, currency: str) -> dict[str, Any]:
    values = {
        "id": entry.pk, "user_id": user_id, "amount": amount, "currency": currency, "ref_type": entry.ref_type,
        "ref_id": entry.ref_id, "created_at": entry.created_at,
    }  # fmt: skip
    return dict(serializers.CreditRow(values).data)
