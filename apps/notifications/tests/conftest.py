import pytest

from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.notifications import services
from apps.notifications.models import Mail


@pytest.fixture
def send(site):
    """send() → what became of each mail that waited, as a worker would send them."""

    def run():
        return [services.send_mail(site_id=site.pk, mail_id=pk) for pk in services.due_mails()]

    return run


@pytest.fixture
def plan(site):
    return make_plan(*percent("0.10"))


def states():
    return list(Mail.objects.order_by("id").values_list("kind", "status"))
