"""Refusals of the custodian's account."""

from apps.core.errors import Conflict, Unavailable


def custody_unavailable() -> Conflict:
    return Conflict("custody_unavailable", "This site has nowhere to send tokens from yet.")


def unknown_outcome() -> Unavailable:
    return Unavailable(
        "custody_unavailable", "The custodian doesn't answer. It is asked again before anything is sent."
    )
