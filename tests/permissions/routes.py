"""Every route of the API, read from the URL conf."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    path: str  # as in the URL conf, with its converters
    method: str
    view: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def takes_id(self) -> bool:
        return "<uuid:" in self.path

    def url(self, pk: uuid.UUID | None = None) -> str:
        filled = re.sub(r"<uuid:\w+>", str(pk or uuid.uuid4()), self.path)
        filled = re.sub(r"<int:\w+>", "1", filled)
        return "/" + re.sub(r"<[^>]+>", "x", filled)


def all_views() -> Iterator[tuple[str, Any]]:
    yield from _walk(get_resolver().url_patterns, "")


def _walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


def api_routes() -> list[Route]:
    found = []
    for path, callback in all_views():
        view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
        if path.startswith("api/v1/"):
            methods = [method for method in METHODS if view is None or hasattr(view, method.lower())]
            found += [Route(path, method, view) for method in methods]
    return sorted(found, key=lambda route: route.path.endswith("revoke-all"))  # last, since it signs the caller out
