"""What was mailed and what people were told. Mail that failed, or of which nobody knows, can be sent again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.backoffice import DayRangeFilter, Outcome, UplineModelAdmin, attempt, badge, decision, named
from apps.notifications import services
from apps.notifications.models import Mail, Notification, Preference

READ, SEND = ("user.read",), ("user.update",)


class _Persons(UplineModelAdmin):
    view_keys = READ
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"
    scope_by = "user_id"

    @admin.display(description="person")
    def person(self, row: Any) -> str:
        return named(row.user, row.user.email)


@admin.register(Mail)
class MailAdmin(_Persons):
    plural = "Mail"
    intro = "What was mailed to people. One of an unknown state may have arrived: ask before you send it again."
    empty_text = "The first mail to somebody stands here."
    list_display = ("number", "person", "kind", "subject", "state", "tries", "created_at", "sent_at")
    list_filter = ("status", "kind", DayRangeFilter)
    json_fields = ("params",)
    actions = ("send_again",)

    @admin.display(description="mail")
    def number(self, row: Mail) -> str:
        return str(row)

    @admin.display(description="status", ordering="status")
    def state(self, row: Mail) -> str:
        return badge(row.tone, row.get_status_display())

    def offers(self, action: str, obj: Mail) -> bool:
        return Mail.Status.QUEUED in Mail.TRANSITIONS.get(obj.status, ()) and obj.status != Mail.Status.SENDING

    def has_send_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *SEND)

    @decision("Send again", needs="send", done="mail{s} waiting to be sent", keys=SEND)
    def send_again(self, request: HttpRequest, rows: QuerySet[Mail], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.send_again(mail=row, actor=actor))


@admin.register(Notification)
class NotificationAdmin(_Persons):
    plural = "Notifications"
    intro = "What people were told in their inbox or their daily mail. They read it in their own language."
    empty_text = "The first thing that happens to somebody stands here."
    list_display = ("created_at", "person", "kind", "title", "read_at")
    list_filter = ("kind", DayRangeFilter)
    json_fields = ("params",)

    @admin.display(description="told")
    def title(self, row: Notification) -> str:
        return str(row.said.title)


@admin.register(Preference)
class PreferenceAdmin(_Persons):
    plural = "What people are told"
    intro = "Where somebody has chosen how to be told. Security always reaches people."
    empty_text = "Until somebody chooses, everybody is told as usual."
    list_display = ("person", "kind", "inbox", "email")
    list_filter = ("kind", "email")
