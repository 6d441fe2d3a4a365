"""News from below, and what is looked at when they come. Each handler is idempotent: it asks how things are (detecting.py)."""

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from uuid import UUID

from apps.accounts.models import CryptoAddress, SignIn
from apps.audit.models import AuditEvent
from apps.bonuses import services as bonuses_
from apps.bonuses.models import Bonus
from apps.core.models import OutboxEvent
from apps.fraud.models import FraudSettings, Kind, Trace
from apps.fraud.selectors import fraud_settings
from apps.fraud.services import detecting
from apps.fraud.services.evidence import Found, Seen, leave_traces
from apps.fraud.services.keys import masked_address, masked_network, network_of, public_address
from apps.fraud.services.reviewing import is_held, take_note
from apps.payments.models import Payment
from apps.payouts.models import PayoutMethod
from apps.referrals.models import Conversion, Partner
from apps.referrals.models.partner import PartnerQuerySet
from apps.referrals.services import CIRCLE_REFUSED
from apps.sites.selectors import site_settings
from apps.wallet.models import Deposit

MOST_THINGS = 20
CREATED = "bonus.created"

_judging: ContextVar[UUID | None] = ContextVar("upline_judging_bonus", default=None)


def follow_joined(events: Sequence[OutboxEvent]) -> None:
    """Consumes `partner.joined` {partner_id}."""
    for event in events:
        partner = _partners().get(pk=event.payload["partner_id"])
        settings = fraud_settings()
        seen, found = _newcomer(partner, settings)
        _look(partner, seen, settings, found)


def follow_sign_ins(events: Sequence[OutboxEvent]) -> None:
    """Consumes `sign_in.begun` {sign_in_id}. One that was forgotten since says nothing."""
    for event in events:
        sign_in = SignIn.objects.filter(pk=event.payload["sign_in_id"]).first()
        if sign_in is not None and (seen := places(sign_in.ip, sign_in.created_at)):
            look_at_user(sign_in.user_id, seen)


def follow_deposits(events: Sequence[OutboxEvent]) -> None:
    """Consumes `deposit.paid` {deposit_id}."""
    for event in events:
        deposit = Deposit.objects.get(pk=event.payload["deposit_id"])
        if seen := _of_deposit(deposit):
            look_at_user(deposit.user_id, seen)


def follow_cards(events: Sequence[OutboxEvent]) -> None:
    """Consumes `payment.card_known` {payment_id}."""
    for event in events:
        payment = Payment.objects.get(pk=event.payload["payment_id"])
        if payment.user_id is not None and payment.card_key:
            look_at_user(payment.user_id, [_of_card(payment)])


def follow_methods(events: Sequence[OutboxEvent]) -> None:
    """Consumes `payout_method.added` {method_id, user_id, kind}; a crypto one is the person's address. Removed ones count."""
    for event in events:
        which = {"pk": event.payload["method_id"], "user_id": event.payload["user_id"]}
        if event.payload["kind"] == PayoutMethod.Kind.CRYPTO:
            same = CryptoAddress.objects.filter(**which).values_list("fingerprint", "created_at").first()
        else:
            same = PayoutMethod.objects.filter(**which).values_list("fingerprint", "created_at").first()
        if same is not None and same[0]:
            look_at_user(UUID(event.payload["user_id"]), [Seen(Trace.Kind.PAYOUT, same[0], same[1])])


def follow_circles(events: Sequence[OutboxEvent]) -> None:
    """Consumes `partner.circle_refused` {partner_id}: somebody tried to earn from themselves. The audit counts how often."""
    kind = Kind.CIRCULAR_SPONSORSHIP
    for event in events:
        partner = _partners().get(pk=event.payload["partner_id"])
        settings = fraud_settings()
        tries = AuditEvent.objects.filter(
            target_type="referrals.partner", target_id=str(partner.pk), action=CIRCLE_REFUSED
        )
        moments = list(tries.order_by("created_at").values_list("created_at", flat=True)[: detecting.MOST])
        if not moments:
            continue
        count, points = len(moments), settings.points_of(kind)
        words = f"Tried to stand below themselves, {'once' if count == 1 else f'{count} times'}"
        found = [Found(partner.pk, kind, "tries", points, words, at, count=count) for at in (moments[0], moments[-1])]
        _look(partner, [], settings, found)


def follow_bonuses(events: Sequence[OutboxEvent]) -> None:
    """Consumes `bonus.created` {bonus_id}: everybody in it is looked at, and then it may credit itself or not (`may_credit`)."""
    for event in events:
        bonus = Bonus.objects.get(pk=event.payload["bonus_id"])
        settings = fraud_settings()
        referrer = _partners().filter(user_id=bonus.referrer_id).first()
        found = _many_from_one_device(bonus, referrer, settings) if referrer is not None else []
        referred = _partners().filter(user_id=bonus.referred_id).first()
        seen: list[Seen] = []
        if referred is not None:
            seen, more = _everything(referred, settings)
            found = [*found, *more]
            seen += [*device(bonus.device_id, bonus.created_at), *places(bonus.ip_address, bonus.created_at)]
        _look(referred, seen, settings, found)
        token = _judging.set(bonus.pk)
        try:
            bonuses_.credit_if_cleared(bonus)
        finally:
            _judging.reset(token)


def may_credit(bonus: Bonus) -> bool:
    """The verdict that a bonus waits for: it has been looked at, and nothing holds whoever gets it."""
    if is_held(bonus.referrer_id):
        return False
    if _judging.get() == bonus.pk:
        return True
    waits = OutboxEvent.objects.filter(consumer="fraud", topic=CREATED, key=str(bonus.pk), done_at=None)
    return not waits.exists()


def look_again(partner_id: UUID) -> None:
    """At all that is known of a partner: of those who came before anybody listened, or after settings changed."""
    partner, settings = _partners().get(pk=partner_id), fraud_settings()
    seen, found = _everything(partner, settings)
    _look(partner, seen, settings, found)


def look_at_user(user_id: UUID, seen: Sequence[Seen]) -> None:
    """What a member was seen with, if they are a partner."""
    partner = _partners().filter(user_id=user_id).first()
    if partner is not None:
        _look(partner, seen, fraud_settings(), [])


def _look(partner: Partner | None, seen: Sequence[Seen], settings: FraudSettings, found: list[Found]) -> None:
    if partner is not None and seen:
        unique = {(each.kind, each.value): each for each in sorted(seen, key=lambda one: one.at)}
        leave_traces(partner.pk, seen)
        found = found + detecting.by_traces(partner, list(unique.values()), settings)
    take_note(found, settings)


def _newcomer(partner: Partner, settings: FraudSettings) -> tuple[list[Seen], list[Found]]:
    """How somebody came: their mailbox, the click that brought them, and who came with them."""
    email = partner.user.email if partner.user is not None else ""
    came = Conversion.objects.filter(kind=Conversion.Kind.SIGNUP, subject_id=partner.pk).select_related("click").first()
    seen = [detecting.mailbox(partner, email)]
    if came is not None and came.click is not None:
        seen += [*device(came.click.device_id, partner.joined_at), *places(came.click.ip, partner.joined_at)]
    found = [
        *detecting.disposable_email(partner, settings, email),
        *detecting.fast_signup(partner, settings, came),
        *detecting.signup_burst(partner, settings),
    ]
    return seen, found


def _everything(partner: Partner, settings: FraudSettings) -> tuple[list[Seen], list[Found]]:
    """How they came, and the last they signed in, deposited and paid with. News of these may come later than what hangs on it."""
    seen, found = _newcomer(partner, settings)
    if partner.user_id is None:
        return seen, found
    sign_ins = SignIn.objects.filter(user_id=partner.user_id).exclude(ip="").order_by("-id")[:MOST_THINGS]
    deposits = Deposit.objects.filter(user_id=partner.user_id).order_by("-id").exclude(paid_at=None)[:MOST_THINGS]
    payments = Payment.objects.filter(user_id=partner.user_id).exclude(card_key="").order_by("-id")[:MOST_THINGS]
    for sign_in in sign_ins:
        seen += places(sign_in.ip, sign_in.created_at)
    for deposit in deposits:
        seen += _of_deposit(deposit)
    seen += [_of_card(payment) for payment in payments]
    for model in (PayoutMethod, CryptoAddress):
        methods = model.objects.filter(user_id=partner.user_id).exclude(fingerprint="").order_by("-id")
        rows = methods.values_list("fingerprint", "created_at")[:MOST_THINGS]
        seen += [Seen(Trace.Kind.PAYOUT, fingerprint, at) for fingerprint, at in rows]
    return seen, found


def _of_deposit(deposit: Deposit) -> list[Seen]:
    return [*device(deposit.device_id, deposit.created_at), *places(deposit.ip_address, deposit.created_at)]


def _of_card(payment: Payment) -> Seen:
    return Seen(Trace.Kind.CARD, payment.card_key, payment.created_at)


def device(device_id: str, at: datetime) -> list[Seen]:
    return [Seen(Trace.Kind.DEVICE, device_id, at)] if device_id else []


def places(ip: str, at: datetime) -> list[Seen]:
    """An address and its network; nothing where many share it by no doing of their own."""
    address = public_address(ip)
    if address is None:
        return []
    return [
        Seen(Trace.Kind.ADDRESS, str(address), at, masked_address(address)),
        Seen(Trace.Kind.NETWORK, network_of(address), at, f"the network {masked_network(address)}"),
    ]


def _many_from_one_device(bonus: Bonus, referrer: Partner, settings: FraudSettings) -> list[Found]:
    """What the rule of A9 counts when a bonus is made, counted again for those that it froze."""
    rule, kind = site_settings(), Kind.BONUS_DEVICE
    since = bonus.created_at - timedelta(hours=rule.bonus_device_hours)
    found = []
    for column, word, value in (
        ("device_id", "device", bonus.device_id),
        ("ip_address", "address", bonus.ip_address),
    ):
        if not value:
            continue
        count = Bonus.objects.filter(**{column: value}, created_at__gt=since, created_at__lte=bonus.created_at).count()
        if count > rule.bonus_device_limit:
            words = f"{count} bonuses came from one {word} within {rule.bonus_device_hours} hours"
            points = settings.points_of(kind)
            found.append(Found(referrer.pk, kind, f"{word} {value}", points, words, bonus.created_at, count=count))
    return found


def _partners() -> PartnerQuerySet:
    found: PartnerQuerySet = Partner.objects.people().select_related("user", "sponsor__user")
    return found
