"""The answer that is a file of an activity: an attachment, never shown in place, never from an address that works for others."""

from django.http import HttpResponse

from apps.activities.models import ActivityFile


def answer(kept: ActivityFile) -> HttpResponse:
    response = HttpResponse(bytes(kept.content), content_type=kept.content_type)
    response["Content-Disposition"] = (
        f'attachment; filename="{kept.name}"'  # letters, digits, dots and dashes (services)
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
