"""A request that calls out holds no transaction meanwhile, and each phase commits by itself."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.errors import Conflict
from apps.core.models import IdempotencyKey, OutboxEvent
from apps.core.phases import call_out
from apps.core.tenancy import site_context
from apps.rbac.access import SIGNED_IN
from config.urls import urlpatterns as real

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

seen: list[tuple[str, bool]] = []


def note(key):
    OutboxEvent.objects.bulk_create(
        [OutboxEvent(topic="phases", consumer="test", key=key, payload={})], ignore_conflicts=True
    )


def committed(site_id):
    with site_context(site_id):
        return set(OutboxEvent.objects.filter(consumer="test").values_list("key", flat=True))


class CallingView(ApiView):
    access = {"POST": SIGNED_IN}

    def post(self, request):
        note("intent")
        fault = request.data.get("fault", "")

        def call():
            seen.append(("call", connection.in_atomic_block))
            if fault == "refused":
                raise Conflict("gateway_refused", "The gateway said no.")
            if fault == "broken":
                raise RuntimeError("broken")
            return "called"

        def finish(result):
            note("result")
            if fault == "late":
                raise Conflict("too_late", "Somebody was faster.")
            return Response({"result": result, "again": fault}, status=201)

        def failed(error):
            note(f"failed: {type(error).__name__}")

        if fault == "twice":
            return call_out(request, call, lambda first: call_out(request, call, lambda second: finish(first + second)))
        return call_out(request, call, finish, failed)


def page(request):
    request.session["seen"] = True
    note("intent")
    return call_out(request, lambda: connection.in_atomic_block, lambda inside: HttpResponse(f"inside: {inside}"))


urlpatterns = [path("api/v1/phases", CallingView.as_view()), path("phases/", page), *real]


@pytest.fixture(autouse=True)
def _forget():
    seen.clear()


@pytest.fixture
def client(transactional_alpha, member):
    from rest_framework.test import APIClient

    from apps.accounts.tokens import issue_pair
    from apps.sites import registry

    with site_context(transactional_alpha):
        token = issue_pair(user=member, site=registry.by_code("ALPHA"))["access"]
    return APIClient(
        headers={"x-site-code": "ALPHA", "authorization": f"Bearer {token}"}, raise_request_exception=False
    )


def test_the_call_is_outside_and_both_sides_are_committed(client, transactional_alpha):
    answer = client.post("/api/v1/phases", {})

    assert (answer.status_code, answer.json()["result"], answer["X-Request-ID"] != "") == (201, "called", True)
    assert seen == [("call", False)]
    assert committed(transactional_alpha) == {"intent", "result"}


def test_there_may_be_several_calls(client, transactional_alpha):
    answer = client.post("/api/v1/phases", {"fault": "twice"})

    assert (answer.status_code, answer.json()["result"]) == (201, "calledcalled")
    assert seen == [("call", False)] * 2


@pytest.mark.parametrize(
    ("fault", "status", "code", "left"),
    [
        ("refused", 409, "gateway_refused", {"intent", "failed: Conflict"}),
        ("broken", 500, "error", {"intent", "failed: RuntimeError"}),
        ("late", 409, "too_late", {"intent"}),
    ],
)
def test_what_goes_wrong_has_the_usual_shape(client, transactional_alpha, fault, status, code, left):
    answer = client.post("/api/v1/phases", {"fault": fault})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert committed(transactional_alpha) == left


def test_the_kept_answer_is_the_last_phases(client, transactional_alpha):
    first = client.post("/api/v1/phases", {}, headers={"idempotency-key": "k"})
    again = client.post("/api/v1/phases", {}, headers={"idempotency-key": "k"})

    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert len(seen) == 1


def test_a_failed_last_phase_frees_the_key(client, transactional_alpha):
    for _ in range(2):
        client.post("/api/v1/phases", {"fault": "late"}, headers={"idempotency-key": "k"})

    assert len(seen) == 2
    with site_context(transactional_alpha):
        assert IdempotencyKey.objects.filter(key="k").count() == 0


def test_a_page_keeps_its_session(client, transactional_alpha):
    answer = client.get("/phases/", headers={"authorization": ""})

    assert (answer.status_code, answer.content) == (200, b"inside: False")
    assert any(name.startswith("session") for name in answer.cookies)
    assert answer["X-Frame-Options"] == "DENY"


def test_a_failed_call_frees_the_key(client, transactional_alpha):
    """What `failed` commits is no answer: the same key may try again (settled.md, Sites, users, tokens)."""
    body, headers = {"fault": "refused"}, {"idempotency-key": "k"}
    first, again = (client.post("/api/v1/phases", body, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code, again.json()["code"]) == (409, 409, "gateway_refused")
    assert len(seen) == 2
    with site_context(transactional_alpha):
        assert IdempotencyKey.objects.filter(key="k").count() == 0
