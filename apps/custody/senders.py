"""Who of the apps above sent what the custodian tells of.

The custodian knows a transaction by an id of ours, and one account sends for several apps. Each registers, in AppConfig.ready,
a function that is handed every report; the one whose id it is takes it.
"""

from collections.abc import Callable, Iterator

from django.utils.module_loading import import_string

from apps.custody.gateways import Reported

Sender = Callable[[Reported], str | None]
"""Applies what the custodian says. None: not of mine. "": done. Else why nothing moved."""

_paths: list[str] = []


def register(path: str) -> None:
    if path not in _paths:
        _paths.append(path)


def senders() -> Iterator[Sender]:
    for path in _paths:
        yield import_string(path)
