"""WORKSPACE's part of the demo: an enterprise, two sub-users with limits, forms, and activities in each state (W1, W3)."""

from datetime import timedelta
from io import BytesIO
from uuid import UUID

from django.utils import timezone
from reportlab.pdfgen.canvas import Canvas

from apps.accounts.models import Membership, User
from apps.accounts.services import create_sub_user
from apps.activities.models import Activity, Kind
from apps.activities.services import add_form, run_activity, set_type
from apps.activities.services.finishing import fail_activity
from apps.onboarding.demo.sites import DemoSite
from apps.onboarding.services import Newcomer, register
from apps.wallet.services import deposit_funds

WORKSPACE = "WORKSPACE"
COSTS = {Kind.REPORT: 1000, Kind.FORM: 500}
EARLIER = (70, 41, 33, 13, 11, 10, 8, 6, 5, 3, 2, 1)
"""Days ago on which the enterprise or its first sub-user did something, so that its figures have a past."""
FORMS = ("Leave request", "Travel expenses", "Equipment order")


def tell_workspace(demo: DemoSite, site_id: UUID, password: str, staff: dict[str, User]) -> None:
    """Inside the site's context."""
    for kind, cost in COSTS.items():
        set_type(key=kind, cost=cost, is_active=True, actor=staff["admin"])
    forms = [
        add_form(title=title, filename=f"{title.lower()}.pdf", content=_paper(title, demo.name), actor=staff["admin"])
        for title in FORMS
    ]
    newcomer = Newcomer(
        email=f"enterprise@{demo.domain}",
        password=password,
        full_name="Anchor Analytics",
        user_type=Membership.Kind.ENTERPRISE,
    )
    user, _ = register(newcomer)
    firm = Membership.objects.get(user=user)
    deposit_funds(user_id=user.pk, amount=500_000, currency=demo.currency, ref_id="demo-enterprise")
    people = [
        create_sub_user(
            enterprise=firm, email=f"{name}@{demo.domain}", password=password, full_name=full_name, spending_limit=limit,
            actor=user,
        )
        for name, full_name, limit in (("sub", "Rhea Sub-user", 20_000), ("sub2", "Arun Sub-user", 2_500))
    ]  # fmt: skip
    for days in EARLIER:
        moment, doer = timezone.now() - timedelta(days=days), user if days % 2 else people[0].user
        run_activity(user=doer, type=Kind.REPORT, params={"report": "activities", "format": "xlsx"}, at=moment)
        if days % 3:
            run_activity(user=doer, type=Kind.FORM, params={"form": str(forms[days % len(forms)].pk)}, at=moment)
    for member in people:
        run_activity(user=member.user, type=Kind.REPORT, params={"report": "activities", "format": "xlsx"})
        run_activity(user=member.user, type=Kind.FORM, params={"form": str(forms[0].pk)})
    run_activity(user=user, type=Kind.REPORT, params={"report": "activities", "format": "pdf"})
    _begun(people[0].user)
    fail_activity(activity_id=_begun(user).pk, failure="The file could not be made.")
    partner = User.objects.get(email=f"partner@{demo.domain}")
    deposit_funds(user_id=partner.pk, amount=10_000, currency=demo.currency, ref_id="demo-partner")
    run_activity(user=partner, type=Kind.REPORT, params={"report": "downline", "format": "xlsx"})


def _begun(user: User) -> Activity:
    """A report that the background takes up, as it would a long one."""
    return run_activity(user=user, type=Kind.REPORT, params={"report": "activities", "format": "xlsx"}, at_once=0)


def _paper(title: str, site: str) -> bytes:
    out = BytesIO()
    canvas = Canvas(out)
    canvas.setTitle(title)
    canvas.drawString(72, 770, f"{title}, {site}")
    for number, line in enumerate(("Name", "Date", "For", "Signature")):
        canvas.drawString(72, 700 - number * 48, f"{line}:")
        canvas.line(150, 698 - number * 48, 480, 698 - number * 48)
    canvas.save()
    return out.getvalue()
