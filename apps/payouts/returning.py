"""Where Stripe's page leads back to: pages of the dashboard, at the host that was asked."""

from typing import Any
from uuid import UUID

from django.urls import reverse

from apps.payouts.services.connecting import WayBack


def way_back(request: Any, method_id: UUID) -> WayBack:
    done, again = (
        request.build_absolute_uri(reverse(f"dashboard:{name}", args=[method_id]))
        for name in ("method_connected", "method_connect")
    )
    return WayBack(done=done, again=again)
