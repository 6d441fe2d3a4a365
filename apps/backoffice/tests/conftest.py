"""The back office as staff use it: a signed-in browser, and the buttons they press."""

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.urls import reverse

from apps.accounts.tests.browsers import browser_of


def listing(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def our_models():
    models = sorted(admin.site._registry, key=lambda model: model._meta.label)
    return [model for model in models if model._meta.app_label != "django_celery_beat"]


class Office:
    """A member of staff at their desk. `said` is what the last page told them."""

    def __init__(self, user, site, **options):
        self.user, self.said = user, []
        self.client = browser_of(user, site, **options)

    def get(self, url, data=None):
        return self.client.get(url, data)

    def post(self, url, data):
        answer = self.client.post(url, data)
        self.said = [str(message) for message in get_messages(answer.wsgi_request)]
        self.client.cookies.pop("messages", None)
        return answer

    def do(self, action, *rows, note="", **more):
        """An action on chosen rows of their list."""
        data = {"action": action, "index": "0", "_selected_action": [str(row.pk) for row in rows], "note": note, **more}
        return self.post(listing(type(rows[0])), data)


@pytest.fixture
def office(site, make_user):
    """office("admin") → that role's desk at ALPHA. `signed_in_ago` in seconds, a `password` where one is asked for."""

    def desk(role, password=None, **options):
        name = role.replace("_", " ").capitalize()
        user = make_user(f"{role}@example.com", roles=[role], full_name=name, password=password)
        return Office(user, site, **options)

    return desk
