"""Money in pockets, made by the services."""

from apps.core.ids import uuid7
from apps.wallet import services
from apps.wallet.models import Books, Entry


def give_earnings(user, amount, *, ref_type="test", ref_id=None, currency="INR"):
    credit = services.Credit(user.pk, amount, currency, ref_type, ref_id or str(uuid7()))
    return services.credit_earnings([credit], kind=Entry.Kind.CREDIT, book=Books.CREDITS)[0]
