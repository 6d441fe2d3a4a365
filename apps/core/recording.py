"""Where what is done in this layer is written down. The audit stands above core and registers itself here."""

from collections.abc import Callable
from typing import Any

from apps.core.tenancy import where_it_was_asked

Recorder = Callable[..., Any]

_recorders: list[Recorder] = []


def register(recorder: Recorder) -> None:
    """`recorder(actor=, action=, target=, after=)`, such as apps.audit.services.record."""
    _recorders.append(recorder)


def record(*, actor: Any, action: str, target: Any = None, after: dict[str, Any]) -> None:
    """Append one event to the audit of the present site, or of the one that all sites are read from."""
    with where_it_was_asked():
        for recorder in _recorders:
            recorder(actor=actor, action=action, target=target, after=after)
