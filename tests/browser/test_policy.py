"""The content policy as a browser enforces it: no page of ours breaks it, and what is not ours doesn't run (P4)."""

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.core.tenancy import site_context
from apps.dashboard.tests.conftest import PASSWORD

LISTEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation", found =>
    window.broken.push(found.violatedDirective + " " + found.blockedURI));
"""
PUBLIC = (
    "/",
    "/join",
    "/dashboard/signin",
    "/dashboard/password/reset",
    "/nothing-here",
    "/api/docs/",
    "/admin/login/",
)
OF_PARTNERS = (
    "/dashboard/", "/dashboard/team", "/dashboard/commissions", "/dashboard/payouts", "/dashboard/links", "/dashboard/wallet",
    "/dashboard/wallet/tax-summary",
    "/dashboard/settings", "/dashboard/security", "/dashboard/shop", "/dashboard/orders", "/dashboard/services",
    "/dashboard/sales",
)  # fmt: skip
OF_STAFF = ("/admin/", "/admin/search/?q=a", "/admin/liability/", "/admin/tax-summary/",
            "/admin/security/", "/admin/referrals/partner/tree/",
            "/admin/rbac/role/matrix/")  # fmt: skip


@pytest.fixture
def listening(visit):
    page = visit()
    page.add_init_script(LISTEN)
    return page


def broken_at(page, paths):
    found = {}
    for path in paths:
        page.goto(path)
        page.wait_for_load_state("load")
        if broken := page.evaluate("window.broken"):
            found[path] = broken
    return found


def test_no_page_for_everybody_or_for_partners_breaks_it(listening, sign_in, story):
    assert broken_at(listening, PUBLIC) == {}
    sign_in(listening)
    assert broken_at(listening, OF_PARTNERS) == {}


@pytest.fixture
def boss(transactional_alpha, story):
    from apps.accounts.models import User
    from apps.audit.services import SYSTEM
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role

    with site_context(transactional_alpha):
        ann = User.objects.get(email="ann@example.com")
        assign_role(user=ann, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
    return ann


def test_no_page_of_the_back_office_breaks_it(listening, boss, transactional_alpha):
    """Every list, the page of a row of each that has one, and the pages beside them."""
    page = listening
    page.goto("/admin/login/")
    page.get_by_label("E-mail").fill(boss.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")

    names = [model._meta for model in admin.site._registry if model._meta.app_label != "django_celery_beat"]
    lists = [reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist") for meta in names]
    rows = []
    with site_context(transactional_alpha):
        for meta in names:
            first = meta.model.objects.order_by("pk").first() if any(f.name == "site" for f in meta.fields) else None
            if first is not None:
                rows.append(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[first.pk]))

    assert len(rows) > 15
    assert broken_at(page, [*OF_STAFF, *lists, *rows]) == {}
    assert [text for text in page.complaints if "Content Security" in text] == []


def test_what_is_not_ours_does_not_run(listening, sign_in, story):
    """So the silence above means something: scripts and styles in the page, code from text, frames, foreign forms."""
    page = sign_in(listening)
    page.evaluate("""() => {
        const add = html => document.body.append(document.createRange().createContextualFragment(html));
        add("<script>window.ran = 1</script>");
        add("<b style='color: red'>styled</b>");
        add("<style>b { color: red }</style>");
        add("<script src='https://evil.example/x.js'></script>");
        add("<iframe src='https://evil.example/'></iframe>");
        add("<img src=x onerror='window.ran = 1'>");
    }""")
    page.wait_for_timeout(300)

    broken = {entry.split(" ")[0] for entry in page.evaluate("window.broken")}
    assert page.evaluate("window.ran") is None
    assert {"script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "frame-src"} <= broken


def test_stripes_own_script_may_come(listening, sign_in, story):
    page = sign_in(listening)
    page.route("https://js.stripe.com/**", lambda route: route.fulfill(
        status=200, content_type="text/javascript", body="window.stripeCame = true"
    ))  # fmt: skip
    page.evaluate("""() => new Promise(done => {
        const script = document.createElement("script");
        script.src = "https://js.stripe.com/v3/";
        script.onload = script.onerror = done;
        document.head.append(script);
    })""")

    assert page.evaluate("window.stripeCame") is True
    assert page.evaluate("window.broken") == []


def test_no_page_can_be_framed(visit, address, httpserver):
    frame = f"<iframe src='{address}/dashboard/signin'></iframe>"
    httpserver.expect_request("/").respond_with_data(frame, content_type="text/html")
    page = visit()
    page.goto(httpserver.url_for("/"))
    page.wait_for_timeout(500)

    assert any("frame" in text.lower() for text in page.complaints), page.complaints
    assert page.frames[1].url.startswith("chrome-error:")
