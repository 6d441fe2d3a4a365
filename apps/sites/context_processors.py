from typing import Any

from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """`site` in every template: its name, hue and currency; None on the platform host."""
    return {"site": getattr(request, "site", None)}
