"""Every page, in both themes and on a phone: usable by everybody, and nothing the browser complains about."""

import pytest

from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.sites.services import change_settings

PUBLIC = ("/", "/join", "/dashboard/signin", "/dashboard/password/reset", "/nothing-here")


def private(story):
    return (
        "/dashboard/", "/dashboard/team", f"/dashboard/team?open={story['branch']}", "/dashboard/team?level=1",
        "/dashboard/commissions", f"/dashboard/commissions?explain={story['commission']}",
        "/dashboard/commissions?status=nothing", "/dashboard/payouts", "/dashboard/links", "/dashboard/wallet",
        "/dashboard/wallet/tax-summary",
        "/dashboard/settings", "/dashboard/broker", "/dashboard/security", "/dashboard/shop", "/dashboard/orders",
        "/dashboard/services", "/dashboard/activities", "/dashboard/sales", "/dashboard/sales?level=2",
    )  # fmt: skip


@pytest.fixture
def story(story, transactional_alpha):
    """Where members connect their brokers too."""
    with site_context(transactional_alpha):
        change_settings(changes={"broker_accounts": True}, actor=SYSTEM)
    return story


NEWCOMER = ("/dashboard/", "/dashboard/team", "/dashboard/commissions", "/dashboard/payouts", "/dashboard/links",
            "/dashboard/wallet")  # fmt: skip


def serious(page):
    """What axe finds that keeps somebody from using the page: [(rule, elements)]."""
    from axe_playwright_python.sync_playwright import Axe

    answer = Axe().run(page).response
    assert answer["passes"], "axe looked at nothing"
    found = answer["violations"]
    return [
        (rule["id"], [node["html"][:120] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, sign_in, story, scheme):
    page = visit(color_scheme=scheme)
    found = {}
    for path in PUBLIC:
        page.goto(path)
        found[path] = serious(page)
    sign_in(page)
    for path in private(story):
        page.goto(path)
        found[path] = serious(page)

    assert {path: rules for path, rules in found.items() if rules} == {}


def test_axe_finds_nothing_serious_where_nothing_is_yet(visit, sign_in, story):
    page = sign_in(visit(), "nia@example.com")
    found = {}
    for path in NEWCOMER:
        page.goto(path)
        found[path] = serious(page)

    assert {path: rules for path, rules in found.items() if rules} == {}


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_scrolls_sideways_and_the_console_is_silent(visit, sign_in, story, width):
    page = visit(viewport={"width": width, "height": 800})
    wide = {}

    def look(path):
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide[path] = page.evaluate("document.documentElement.scrollWidth")

    for path in PUBLIC:
        look(path)
    page.complaints[:] = [text for text in page.complaints if "404" not in text]  # the page that is not there
    sign_in(page)
    for path in private(story):
        look(path)

    assert wide == {}
    assert page.complaints == []
