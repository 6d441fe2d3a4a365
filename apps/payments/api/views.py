"""Stripe's door (spec: api.md, Orders, payments, tokens)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import inbox
from apps.core.api.parsers import read_json
from apps.core.api.views import ApiView
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import site_context
from apps.payments import services
from apps.payments.services.accounts import BadSignature
from apps.rbac.access import PUBLIC
from apps.sites import registry


class Received(serializers.Serializer[Any]):
    received = serializers.BooleanField()


class StripeWebhookView(ApiView):
    """An event of this site's Stripe account. Kept and answered at once, worked off afterwards; twice is once."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    throttle_classes = ()
    serializer_class = Received

    @extend_schema(request={"application/json": {"type": "object"}}, responses=Received)
    def post(self, request: Request, site_code: str) -> Response:
        site = registry.by_code(site_code)
        if site is None:
            raise NotFound()
        with site_context(site.pk):
            event = _verified(request)
            inbox.receive("stripe", event_id=event["id"], kind=event["type"], payload=event)
        return Response({"received": True})


def _verified(request: Request) -> dict[str, Any]:
    """The event that the raw body is, if this site's Stripe signed it just now. Raises Invalid."""
    try:
        signed_by = services.verify_signature(
            payload=request._request.body, header=request.headers.get("Stripe-Signature", "")
        )
    except BadSignature:
        raise Invalid("signature_invalid", "This is not signed by the site's Stripe, or too old.") from None
    event = read_json(request._request.body)
    is_event = isinstance(event, dict) and all(isinstance(event.get(name), str) for name in ("id", "type"))
    if not is_event or not 0 < len(event["id"]) <= 128:
        raise Invalid("invalid", "This is no event of Stripe's.")
    return {**event, "signed_by": signed_by}
