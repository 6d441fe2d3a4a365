"""What an app does when a site is created: `register("apps.rbac.services.seed_roles")` in its AppConfig.ready.

A step takes the site's id, runs inside its context, and is idempotent: `provision_site` repeats them after an upgrade.
"""

from collections.abc import Callable
from uuid import UUID

from django.utils.module_loading import import_string

Step = Callable[[UUID], None]

_paths: list[str] = []


def register(path: str) -> None:
    if path not in _paths:
        _paths.append(path)


def steps() -> list[Step]:
    return [import_string(path) for path in _paths]
