"""One JSON line per request, with its id, site and caller (W8), and never a secret of its path."""

import json
import logging

from apps.core.logs import JsonFormatter, RequestFilter


def lines(caplog):
    formatter = JsonFormatter()
    return [json.loads(formatter.format(record)) for record in caplog.records if record.name == "upline.access"]


def test_a_request_leaves_one_line(api, make_user, caplog):
    ann = make_user("ann@example.com")
    client = api(ann)
    caplog.handler.addFilter(RequestFilter())
    with caplog.at_level(logging.INFO, logger="upline.access"):
        answer = client.get("/api/v1/auth/me", {"x": "secret"}, headers={"X-Request-ID": "abc-1"})

    [line] = lines(caplog)
    assert answer["X-Request-ID"] == "abc-1"
    assert {key: line[key] for key in ("method", "route", "status", "site", "request_id", "actor_id")} == {
        "method": "GET", "route": "api/v1/auth/me", "status": 400, "site": "ALPHA", "request_id": "abc-1",
        "actor_id": str(ann.pk),
    }  # fmt: skip
    assert "secret" not in json.dumps(line)


def test_an_id_that_could_break_a_log_is_replaced(api):
    answer = api().get("/api/v1/auth/me", headers={"X-Request-ID": "a\tb" * 50})

    assert len(answer["X-Request-ID"]) == 32
