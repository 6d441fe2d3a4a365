"""OpenAPI: what every operation shares, said once."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from apps.core.api.across import PARAMETER, PREFIX
from apps.core.api.views import ListView
from apps.core.exports import FORMATS

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["code", "message", "errors", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "Stable; act on this."},
        "message": {"type": "string", "description": "For people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}

SITE_HEADER: dict[str, Any] = {
    "in": "header",
    "name": "X-Site-Code",
    "schema": {"type": "string"},
    "description": "The site, where the host doesn't name it.",
}
KEY_HEADER: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Same key and body: the stored answer.",
}


STEP_UP = (
    "Moves money: a user with two-factor who gave their last code longer ago than the site allows gets 403"
    " `step_up_required` and renews their token by `POST /auth/step-up`."
)
FORMAT: dict[str, Any] = {
    "in": "query",
    "name": "format",
    "schema": {"type": "string", "enum": list(FORMATS)},
    "description": "All rows that fit as a file, money in the currency's own units; `limit` and `cursor` don't count.",
}
ALL_SITES: dict[str, Any] = {
    "in": "query",
    "name": PARAMETER,
    "schema": {"type": "string", "enum": ["true", "false"]},
    "description": (
        "Holders of a platform role: every site's, read-only. Rows get `site`; other answers become"
        " `{sites: [{site, currency, ...}], totals}`, with amounts by currency."
    ),
}


class UplineSchema(AutoSchema):
    """Lists are what extends ListView, whatever the shape of their answer looks like."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None and method == "GET":
            more = [FORMAT] if isinstance(self.view, ListView) else []
            more += [ALL_SITES] if path.startswith(PREFIX) else []
            if more:
                operation["parameters"] = [*operation.get("parameters", []), *more]
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        return isinstance(self.view, ListView) and self.method == "GET"

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        """With what a route asks for beyond a permission."""
        said = str(super().get_description() or "")
        declared = getattr(self.view, "access", {}).get(self.method)
        return f"{said}\n\n{STEP_UP}".strip() if getattr(declared, "step_up", False) else said


def share(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the error shape, the site header and the idempotency key on every operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            operation["responses"].setdefault("4XX", {"description": "Refused", "content": content})
            operation["responses"].setdefault("503", {"description": "Not available now", "content": content})
            shared = [SITE_HEADER, KEY_HEADER] if method == "post" else [SITE_HEADER]
            operation["parameters"] = [*operation.get("parameters", []), *shared]
    return result


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key <key>`"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.SiteSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "session"}
