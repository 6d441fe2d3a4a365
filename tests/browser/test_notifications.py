"""The inbox, what somebody is told and the way out of a mail, on a desk and on a phone; and a mail as a mail program shows it."""

import pytest

from apps.accounts.models import User
from apps.core.tenancy import site_context
from apps.notifications.letters import letter_of
from apps.notifications.models import Mail
from apps.notifications.services import News, mark_all_read, tell
from apps.notifications.services.preferences import unsubscribe_token
from tests.browser.test_buying import shop
from tests.browser.test_pages import serious

__all__ = ["shop"]


@pytest.fixture
def ann(shop):
    with site_context(shop):
        user = User.objects.get(email="ann@example.com")
        mark_all_read(user=user)  # what the story told
        tell(
            [
                News(user.pk, "bonus", "1", {"amount": 2_500, "currency": "INR"}),
                News(user.pk, "joined", "2", {"name": "A" * 110}),
                News(
                    user.pk, "security", "3", {"what": "sign_in", "device": "Firefox on Windows", "ip": "203.0.113.7"}
                ),
            ]
        )
    return user


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_inbox_is_usable(visit, sign_in, shop, ann, width, scheme):
    page = sign_in(visit(viewport={"width": width, "height": 900}, color_scheme=scheme))

    def look(words):
        page.get_by_text(words).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []

    page.goto("/dashboard/notifications")
    look("3 unread")
    page.get_by_role("button", name="Mark as read: A bonus").click()
    look("2 unread")
    page.get_by_role("button", name="Mark all as read").click()
    look("Nothing unread")
    page.goto("/dashboard/notifications/preferences")
    page.get_by_label("Bonuses: mail").select_option("off")
    page.get_by_role("button", name="Save").click()
    look("Saved.")
    assert page.get_by_label("Bonuses: mail").input_value() == "off"
    with site_context(shop):
        token = unsubscribe_token(ann.pk, "payout")
    page.goto(f"/unsubscribe/{token}")
    look("Stop this mail?")
    page.get_by_role("button", name="Stop it").click()
    look("No more mail of this kind")
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 360])
def test_a_mail_is_readable(visit, shop, ann, width, scheme):
    with site_context(shop):
        letter = letter_of(Mail.objects.select_related("user").get(user=ann, kind="security"))
    page = visit(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page.set_content(letter.html)

    page.get_by_text("Firefox on Windows").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
