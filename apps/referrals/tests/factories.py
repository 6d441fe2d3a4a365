"""People and trees for tests."""

from factory.declarations import Sequence
from factory.django import DjangoModelFactory

from apps.accounts.models import Membership, User
from apps.referrals.models import Partner
from apps.referrals.services import join


class UserFactory(DjangoModelFactory):
    """A member of the present site."""

    class Meta:
        model = User

    email = Sequence(lambda n: f"person{n}@example.com")
    full_name = Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        user = User(**kwargs, password="!")
        user.save(force_insert=True)
        Membership.objects.create(user=user)
        return user


def make_partner(sponsor: Partner | None = None, *, name: str = "", user: User | None = None, **kwargs) -> Partner:
    """Somebody new below `sponsor`, through the real service."""
    named = {"full_name": name} if name else {}
    return join(user=user or UserFactory.create(**named), sponsor=sponsor, **kwargs)


def make_chain(length: int, sponsor: Partner | None = None) -> list[Partner]:
    """`length` people, each below the one before; the first below `sponsor`."""
    chain: list[Partner] = []
    for _ in range(length):
        sponsor = make_partner(sponsor)
        chain.append(sponsor)
    return chain
