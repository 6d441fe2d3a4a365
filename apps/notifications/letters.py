"""A mail's text, made when it is sent: text and HTML, in the reader's language, with the way out of it."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.tokens import reset_link_parts
from apps.notifications import words
from apps.notifications.models import DIGEST, PASSWORD_RESET, Kind, Mail, Notification
from apps.notifications.services.preferences import unsubscribe_token
from apps.sites.models import Site
from apps.sites.selectors import current_site

MOST_IN_DIGEST = 50


@dataclass(frozen=True)
class Letter:
    """A mail as it goes out, with the address it goes to."""

    address: str
    subject: str
    text: str
    html: str
    headers: dict[str, str] = field(default_factory=dict)

    def message(self, connection: Any) -> EmailMultiAlternatives:
        message = EmailMultiAlternatives(
            self.subject, self.text, settings.DEFAULT_FROM_EMAIL, [self.address], headers=self.headers,
            connection=connection,
        )  # fmt: skip
        message.attach_alternative(self.html, "text/html")
        return message


def letter_of(mail: Mail) -> Letter | None:
    """Inside the site's context, `mail.user` loaded. None where there is nothing to say any more."""
    user, site = mail.user, current_site()
    if not user.is_active and mail.kind != Kind.SECURITY:
        return None
    language = words.language_of(user.locale)
    rows = _rows(mail, language)
    if mail.kind == DIGEST and not rows:
        return None
    params = {**mail.params, "site": site.name, "count": mail.params.get("count", len(rows))}
    title, text = words.said(mail.kind, params, language)
    link, way_out = _link(mail, site), _way_out(mail, site)
    context = {
        "language": language, "name": user.full_name, "site": site, "title": title, "text": text, "rows": rows, "link": link,
        "frame": {name: said.format(site=site.name) for name, said in words.frame(language).items()},
        "way_out": way_out, "preferences": address(site, reverse("dashboard:notification_preferences")),
        "is_security": mail.kind == Kind.SECURITY, "is_reset": mail.kind == PASSWORD_RESET,
    }  # fmt: skip
    headers = {"Auto-Submitted": "auto-generated", "Content-Language": language}
    if way_out:
        headers |= {"List-Unsubscribe": f"<{way_out}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Letter(
        user.email,
        title,
        render_to_string("mail/news.txt", context),
        render_to_string("mail/news.html", context),
        headers,
    )


def _rows(mail: Mail, language: str) -> list[words.Said]:
    if mail.kind != DIGEST:
        return []
    found = Notification.objects.filter(digest=mail).order_by("id")[:MOST_IN_DIGEST]
    return [words.said(row.kind, row.params, language) for row in found]


def _link(mail: Mail, site: Site) -> str:
    if mail.kind == PASSWORD_RESET:  # the token is made here, so it never lies in a queue
        uid, token = reset_link_parts(mail.user)
        return address(site, f"/dashboard/password/reset/{uid}/{token}/")
    return address(site, reverse("dashboard:notifications"))


def _way_out(mail: Mail, site: Site) -> str:
    if mail.kind in (Kind.SECURITY, PASSWORD_RESET):
        return ""
    return address(site, reverse("dashboard:unsubscribe", args=[unsubscribe_token(mail.user_id, mail.kind)]))


def address(site: Site, path: str) -> str:
    scheme, _, host = settings.UPLINE_BASE_URL.partition("://")
    return f"{scheme}://{site.code.lower()}.{host}{path}"
