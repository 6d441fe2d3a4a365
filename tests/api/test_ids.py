"""An id is a UUID in text, wherever a body names one: a number is not one, though Python could make one of it."""

import pytest

API = "/api/v1"


@pytest.mark.parametrize(
    ("path", "name"), [("/admin/allocations/batches", "allocation_ids"), ("/commissions/approve", "ids")]
)
@pytest.mark.parametrize("value", [1, 12.5, True, None, {}, "1"])
def test_what_is_no_id_is_named(site, make_user, api, path, name, value):
    client = api(make_user(roles=["super_admin"]))

    answer = client.post(API + path, {name: [value]}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.content
    assert answer.json()["errors"][0]["field"].split(".")[0] == name
