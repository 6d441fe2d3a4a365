"""Asking a partner who they are before it is changed where their money goes."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from apps.accounts import proving


def prove(request: Any) -> HttpResponse | None:
    """None when they have lately proved it, else the page that asks and sends the same request again."""
    context = {"back_to": reverse("dashboard:payouts")}
    return proving.prove(request, template="dashboard/prove.html", context=context)
