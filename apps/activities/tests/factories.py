"""Funds, costs and enterprises for tests, made by the services."""

from itertools import count

from apps.accounts.models import Membership, User
from apps.accounts.services import create_sub_user
from apps.activities.services import add_form, set_type
from apps.audit.services import SYSTEM
from apps.wallet.services import deposit_funds

PASSWORD = "correct horse battery"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
_numbers = count(1)


def give_funds(user, amount, currency="INR"):
    return deposit_funds(user_id=user.pk, amount=amount, currency=currency, ref_id=f"test-{next(_numbers)}")


def offer(report=1000, form=500):
    set_type(key="report_generation", cost=report, is_active=True, actor=SYSTEM)
    set_type(key="form_download", cost=form, is_active=True, actor=SYSTEM)


def make_form(title="Leave request", filename="leave.pdf", content=PDF):
    return add_form(title=title, filename=filename, content=content, actor=SYSTEM)


def make_enterprise(email="firm@example.com", *, funds=0, name="Firm"):
    user = User.objects.create_user(email=email, password=None, full_name=name)
    member = Membership.objects.create(user=user, user_type="enterprise")
    if funds:
        give_funds(user, funds)
    return member


def make_sub_user(enterprise, email="sub@example.com", **values):
    return create_sub_user(
        enterprise=enterprise, email=email, password=PASSWORD, full_name=values.pop("full_name", "Sub"), actor=enterprise.user,
        **values,
    )  # fmt: skip
