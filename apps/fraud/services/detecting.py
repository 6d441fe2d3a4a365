"""What is told from what: one small function for each kind of signal. Each returns the evidence it finds, and explains it.

A function sees one partner as they are now and, by traces, who was seen with the same. It finds the same in whatever order
news come, since it asks what is and not what has just happened; windows of time are measured from the news' own time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.fraud.models import FraudSettings, Kind, Trace
from apps.fraud.services.evidence import Found, Seen
from apps.fraud.services.keys import is_disposable, mailbox_of
from apps.referrals.models import Conversion, Partner
from apps.referrals.selectors import masked_email
from apps.sites.selectors import site_day

MOST = 200
"""Accounts that are looked at for one trace, the last seen first; and signups of one sponsor."""


@dataclass(frozen=True)
class Shared:
    """What somebody was seen with: their own trace of it, and those of others who were seen with it too."""

    own: Trace
    traces: list[Trace]
    seen: Seen
    settings: FraudSettings

    @property
    def everybody(self) -> list[Trace]:
        return [self.own, *self.traces]

    def points(self, kind: str) -> int:
        return self.settings.points_of(kind)


def in_line(one: Partner, another: Partner) -> bool:
    """Does one stand below the other, at whatever level?"""
    return one.is_below(another) or another.is_below(one)


def is_sponsor(one: Partner, another: Partner) -> bool:
    """Of each other, either way."""
    return another.pk == one.sponsor_id or one.pk == another.sponsor_id


# --- who has the same --------------------------------------------------------------------------------------------------------


def payment_fingerprint(shared: Shared) -> Iterator[Found]:
    """One card in several accounts; twice as heavy between a sponsor and whom they brought."""
    yield from _same(
        shared, Kind.PAYMENT_FINGERPRINT, is_sponsor, "pay with the same card", "their sponsor's or a recruit's"
    )


def shared_payout_method(shared: Shared) -> Iterator[Found]:
    """Several accounts want their money in one place."""
    yield from _same(
        shared, Kind.SHARED_PAYOUT_METHOD, lambda one, another: False, "are paid out to the same place", ""
    )


def aliased_email(shared: Shared) -> Iterator[Found]:
    """Another spelling of another member's mailbox; twice as heavy where one stands below the other."""
    yield from _same(
        shared, Kind.ALIASED_EMAIL, in_line, f"have the mailbox {shared.seen.shown}", "somebody's of their own line"
    )


def _same(
    shared: Shared, kind: str, near: Callable[[Partner, Partner], bool], what: str, nearer: str
) -> Iterator[Found]:
    """For the partner and each of the others. `near` pairs weigh twice."""
    count = len(shared.everybody)
    for one, another in _pairs(shared):
        is_near = near(one.partner, another.partner)
        words = f"{count} accounts {what}" + (f", {nearer}" if is_near else "")
        yield _between(one, another, shared, kind, shared.points(kind) * (2 if is_near else 1), words, count)


def _pairs(shared: Shared) -> Iterator[tuple[Trace, Trace]]:
    for other in shared.traces:
        yield shared.own, other
        yield other, shared.own


def _between(
    one: Trace, another: Trace, shared: Shared, kind: str, points: int, words: str, count: int = 1, value: str = ""
) -> Found:
    """About the first of two: from when both have been seen with it to when one was seen last."""
    return Found(
        one.partner_id, kind, value or shared.seen.value, points, words, max(one.first_seen, another.first_seen),
        another.partner_id, count, max(one.last_seen, another.last_seen),
    )  # fmt: skip


def sponsor_device(shared: Shared) -> Iterator[Found]:
    """The sponsor and somebody they brought use one device; for one address half as much, once, wherever they move together."""
    kind, is_device = Kind.SPONSOR_DEVICE, shared.seen.kind == Trace.Kind.DEVICE
    points = shared.points(kind) if is_device else (shared.points(kind) + 1) // 2
    where = "use the same device" if is_device else f"were at the same address, {shared.seen.shown}"
    value = "" if is_device else "address"
    people = {trace.partner_id: trace for trace in shared.everybody}
    brought = [trace for trace in shared.everybody if trace.partner.sponsor_id in people]
    for recruit in brought:
        sponsor = people[recruit.partner.sponsor_id]  # type: ignore[index]
        if shared.own not in (recruit, sponsor):
            continue
        words = f"They and their sponsor {where}"
        yield _between(recruit, sponsor, shared, kind, points, words, value=value)
        count = sum(trace.partner.sponsor_id == sponsor.partner_id for trace in brought)
        words = f"They and {_people(count)} they brought {where}"
        yield _between(sponsor, recruit, shared, kind, points, words, count, value)


def circle_by_device(shared: Shared) -> Iterator[Found]:
    """Somebody above the sponsor uses the same device: who is brought and who earns from it further up is one."""
    kind = Kind.CIRCULAR_SPONSORSHIP
    for one, another in _pairs(shared):
        if in_line(one.partner, another.partner) and not is_sponsor(one.partner, another.partner):
            levels = abs(one.partner.depth - another.partner.depth)
            place = "below" if another.partner.is_below(one.partner) else "above"
            words = f"Somebody {levels} levels {place} them uses the same device"
            yield _between(one, another, shared, kind, shared.points(kind), words)


def shared_address(shared: Shared) -> Iterator[Found]:
    """Many accounts at one address, or half as heavy in one network, within some hours."""
    kind, settings = Kind.SHARED_ADDRESS, shared.settings
    is_address = shared.seen.kind == Trace.Kind.ADDRESS
    least = settings.address_accounts if is_address else settings.network_accounts
    points = shared.points(kind) if is_address else (shared.points(kind) + 1) // 2
    span = timedelta(hours=settings.address_hours)
    there = [trace for trace in shared.everybody if _was_there(trace, shared.seen.at, span)]
    count = len(there)
    if count < least:
        return
    words = f"{count} accounts at {shared.seen.shown} within {_hours(settings.address_hours)}"
    value = f"{shared.seen.kind} {shared.seen.value}"
    for each in there:
        yield Found(each.partner_id, kind, value, points, words, each.first_seen, None, count, each.last_seen)


def _was_there(trace: Trace, at: datetime, span: timedelta) -> bool:
    return trace.first_seen < at + span and trace.last_seen > at - span


BY_TRACE: dict[str, tuple[Callable[[Shared], Iterator[Found]], ...]] = {
    Trace.Kind.MAILBOX: (aliased_email,),
    Trace.Kind.DEVICE: (sponsor_device, circle_by_device),
    Trace.Kind.ADDRESS: (sponsor_device, shared_address),
    Trace.Kind.NETWORK: (shared_address,),
    Trace.Kind.CARD: (payment_fingerprint,),
    Trace.Kind.PAYOUT: (shared_payout_method,),
}


# --- how somebody came -------------------------------------------------------------------------------------------------------


def disposable_email(partner: Partner, settings: FraudSettings, email: str) -> Iterator[Found]:
    if is_disposable(email, settings.disposable_domains):
        domain = email.rpartition("@")[2]
        words = f"A throwaway e-mail: {masked_email(email)}"
        kind = Kind.DISPOSABLE_EMAIL
        yield Found(partner.pk, kind, domain, settings.points_of(kind), words, partner.joined_at)


def fast_signup(partner: Partner, settings: FraudSettings, came: Conversion | None) -> Iterator[Found]:
    """About the newcomer and, once a day, about who sent the click."""
    if came is None or came.click is None:
        return
    took = partner.joined_at - came.click.created_at
    if not timedelta(0) <= took < timedelta(seconds=settings.fast_seconds):
        return
    kind, at = Kind.FAST_SIGNUP, partner.joined_at
    words = f"Signed up {took.total_seconds():.1f} seconds after the click"
    yield Found(partner.pk, kind, "signup", settings.points_of(kind), words, at, came.partner_id)
    day = str(site_day(at))
    said = f"Somebody signed up within {settings.fast_seconds} seconds of a click on their link"
    yield Found(came.partner_id, kind, day, settings.points_of(kind), said, at)


def signup_burst(partner: Partner, settings: FraudSettings) -> Iterator[Found]:
    """About the sponsor: so many signups below them in so few minutes, once a day. New children stand last in the tree."""
    if partner.sponsor_id is None or partner.sponsor is None:
        return
    newest = Partner.objects.children_of(partner.sponsor).filter(path__lte=partner.path).order_by("-path")
    moments = newest.values_list("joined_at", flat=True)[:MOST]
    since = partner.joined_at - timedelta(minutes=settings.burst_minutes)
    count = sum(since < joined <= partner.joined_at for joined in moments)
    if count >= settings.burst_signups:
        kind, day = Kind.SIGNUP_BURST, str(site_day(partner.joined_at))
        words = f"{count} people signed up below them within {settings.burst_minutes} minutes"
        yield Found(partner.sponsor_id, kind, day, settings.points_of(kind), words, partner.joined_at, count=count)


def mailbox(partner: Partner, email: str) -> Seen:
    return Seen(Trace.Kind.MAILBOX, mailbox_of(email), partner.joined_at, masked_email(mailbox_of(email)))


def by_traces(partner: Partner, seen: Sequence[Seen], settings: FraudSettings) -> list[Found]:
    """One query for each trace, two where many have it. They are left and locked already (evidence.leave_traces)."""
    found: list[Found] = []
    for each in seen:
        same = Trace.objects.filter(kind=each.kind, key=each.key).select_related("partner")
        rows = list(same.order_by("-last_seen", "id")[:MOST])
        own = next((row for row in rows if row.partner_id == partner.pk), None) or same.get(partner=partner)
        if others := [row for row in rows if row is not own]:
            shared = Shared(own, others, each, settings)
            found += [one for detect in BY_TRACE[each.kind] for one in detect(shared)]
    return found


def _people(count: int) -> str:
    return "somebody" if count == 1 else f"{count} people"


def _hours(hours: int) -> str:
    return "an hour" if hours == 1 else f"{hours} hours"
