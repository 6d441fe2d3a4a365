"""What is refused, in words."""

from apps.core.errors import Denied


def own_bonus() -> Denied:
    return Denied("own_bonus", "Nobody decides about a bonus of their own.")
