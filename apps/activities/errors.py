"""What activities and enterprises refuse."""

from apps.core.errors import Conflict, Denied, Invalid


def spending_limit_exceeded() -> Conflict:
    return Conflict("spending_limit_exceeded", "This would go beyond the spending limit of this month.")


def activity_unavailable() -> Conflict:
    return Conflict("activity_unavailable", "This is not offered here.")


def already_running() -> Conflict:
    return Conflict("already_running", "This is being done already.")


def not_allowed() -> Denied:
    return Denied("activity_not_allowed", "Your enterprise has not allowed you this.")


def enterprise_only() -> Denied:
    return Denied("enterprise_only", "Only an enterprise may do this.")


def unknown_report(known: str) -> Invalid:
    return Invalid("invalid", f"report is one of {known}.", field="params.report")
