"""Keyset pages with signed cursors (spec: api.md, Lists)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from django.core import signing
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from apps.core.errors import Invalid

DEFAULT_LIMIT, MAX_LIMIT = 50, 200


def read_limit(value: str | None, *, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
    """`?limit=` as an int in 1..most. Raises Invalid: a client that asks for 10,000 should learn it gets 200."""
    if value is None or value == "":
        return default
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most:
        raise Invalid("invalid", f"limit is a number from 1 to {most}.", field="limit")
    return int(value)


def signed_place(request: Any, place: list[str]) -> str:
    """The address of the page that begins after `place`, in lists that are read site after site."""
    signed = signing.Signer(salt="upline.place").sign(f"{request.path}|{'|'.join(place)}")
    encoded = urlsafe_b64encode(signed.encode()).decode().rstrip("=")
    return replace_query_param(request.build_absolute_uri(), "cursor", encoded)


def unsigned_place(request: Any) -> list[str] | None:
    """Where the cursor of `signed_place` leads. Raises Invalid."""
    encoded = request.query_params.get("cursor")
    if encoded is None:
        return None
    try:
        signed = urlsafe_b64decode(encoded.encode() + b"=" * (-len(encoded) % 4)).decode()
        path, code, key = signing.Signer(salt="upline.place").unsign(signed).split("|")
        if path != request.path:
            raise ValueError("cursor of another list")
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise Invalid("invalid", "This cursor isn't one of ours.", field="cursor") from error
    return [code, key]


class SignedCursorPagination(CursorPagination):
    """Newest first by id (UUIDv7 sorts by time). A cursor that we did not sign, or for another list, is a 400."""

    page_size = DEFAULT_LIMIT
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT
    ordering = "-id"
    salt = "upline.cursor"
    request: Any

    def get_page_size(self, request: Any) -> int:
        return read_limit(request.query_params.get("limit"))

    def decode_cursor(self, request: Any) -> Any:
        encoded = request.query_params.get(self.cursor_query_param)
        if encoded is None:
            return None
        try:
            signed = urlsafe_b64decode(encoded.encode() + b"=" * (-len(encoded) % 4)).decode()
            path, _, token = signing.Signer(salt=self.salt).unsign(signed).partition("|")
            if path != request.path:
                raise ValueError("cursor of another list")
            request._request.GET = request._request.GET.copy()
            request._request.GET[self.cursor_query_param] = token
            cursor = super().decode_cursor(request)
        except (signing.BadSignature, ValueError, UnicodeError, NotFound) as error:
            raise Invalid("invalid", "This cursor isn't one of ours.", field="cursor") from error
        request._request.GET[self.cursor_query_param] = encoded
        return cursor

    def encode_cursor(self, cursor: Any) -> str:
        url = super().encode_cursor(cursor)
        token = url.rpartition(f"{self.cursor_query_param}=")[2].partition("&")[0]
        from urllib.parse import unquote

        signed = signing.Signer(salt=self.salt).sign(f"{self.request.path}|{unquote(token)}")
        encoded = urlsafe_b64encode(signed.encode()).decode().rstrip("=")
        return replace_query_param(str(self.base_url), self.cursor_query_param, encoded)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }
