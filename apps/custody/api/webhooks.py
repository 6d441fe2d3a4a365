"""Fireblocks' door (spec: api.md, Orders, payments, tokens)."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import crypto, inbox
from apps.core.api.views import ApiView
from apps.core.errors import Invalid, NotFound
from apps.core.phases import call_out
from apps.core.tenancy import site_context
from apps.custody.models import CustodyAccount
from apps.custody.services.webhooks import BadSignature, verify
from apps.rbac.access import PUBLIC
from apps.sites import registry


class FireblocksWebhookView(ApiView):
    """An event of this site's custodian. Kept and answered at once, worked off afterwards; twice is once."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    throttle_classes = ()
    serializer_class = None

    @extend_schema(request={"application/json": {"type": "object"}}, responses={200: {"type": "object"}})
    def post(self, request: Request, site_code: str) -> HttpResponse:
        site = registry.by_code(site_code)
        if site is None:
            raise NotFound()
        with site_context(site.pk):
            account = CustodyAccount.objects.first()
            legacy_key = crypto.opened(account, "webhook_key") if account is not None else ""
        if account is None:
            raise _refused()
        body, headers = request._request.body, request.headers

        def keep(verified: tuple[str, str, dict[str, Any]]) -> Response:
            event_id, kind, event = verified
            with site_context(site.pk):
                inbox.receive("fireblocks", event_id=event_id, kind=kind, payload=event)
            return Response({"received": True})

        # The custodian's keys may have to be fetched: not in a transaction.
        return call_out(request, lambda: _verified(body, headers, legacy_key), keep)


def _verified(body: bytes, headers: Mapping[str, str], legacy_key: str) -> tuple[str, str, dict[str, Any]]:
    """(id, kind, event). Raises Invalid, Unavailable."""
    try:
        event_id, event = verify(
            body=body, signature=headers.get("Fireblocks-Webhook-Signature", ""),
            legacy_signature=headers.get("Fireblocks-Signature", ""), legacy_key=legacy_key,
        )  # fmt: skip
    except BadSignature:
        raise _refused() from None
    except ValueError as error:
        raise Invalid("invalid", "This is no event of Fireblocks'.") from error
    kind = event.get("eventType", event.get("type"))
    if not isinstance(kind, str):
        raise Invalid("invalid", "This is no event of Fireblocks'.")
    return event_id, kind, event


def _refused() -> Invalid:
    return Invalid("signature_invalid", "This is not signed by the site's custodian, or too old.")
