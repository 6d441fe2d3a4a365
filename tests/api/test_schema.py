"""The OpenAPI document: complete, without a warning, and kept as docs/openapi.yml so that a change of the contract is seen."""

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from tests.permissions.routes import api_routes

SNAPSHOT = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.yml"


@pytest.fixture(scope="module")
def schema():
    """Validated, and any warning is an error."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


def test_every_route_is_described(schema):
    described = {
        (method.upper(), path) for path, operations in yaml.safe_load(schema)["paths"].items() for method in operations
    }

    assert len(described) == len(api_routes())
    assert {method for method, _ in described} == {route.method for route in api_routes()}


def test_every_operation_may_be_refused_in_the_one_shape(schema):
    document = yaml.safe_load(schema)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shape = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/Error"}, f"{method} {path}"


def test_the_contract_is_the_one_on_record(schema):
    assert schema == SNAPSHOT.read_text(), (
        "the API changed: run manage.py spectacular --file docs/openapi.yml, and tell the changelog"
    )


@pytest.mark.django_db
def test_document_and_docs_page_are_served(client):
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"<style" not in page.content
    assert b"<script>" not in page.content
