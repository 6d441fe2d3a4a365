"""Two-factor over HTTP (W12): begun, confirmed, asked for at sign-in, ended; each code counts once."""

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.db import connection, connections

from apps.accounts.models import RecoveryCode, RefreshToken, TwoFactorDevice, User
from apps.accounts.services import codes, reset_two_factor
from apps.accounts.services.codes import accepts
from apps.accounts.services.news import tell_security
from apps.accounts.tests.authenticator import Authenticator, authenticator_of, enrol
from apps.audit.models import AuditEvent
from apps.core import crypto
from apps.core.errors import Conflict, Denied
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.notifications.services import due_mails, send_mail
from apps.rbac.access import Access, load_access
from apps.rbac.models import PlatformRole, Role, UserRole
from apps.rbac.services import give_affiliate_role

URL = "/api/v1/auth"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", password=PASSWORD, full_name="Ann")


def told():
    """What people are going to hear of, as (user, what)."""
    events = OutboxEvent.objects.filter(topic="security.changed").order_by("id")
    return [(event.payload["user_id"], event.payload["what"]) for event in events]


def sign_in(client, **more):
    return client.post(f"{URL}/token", {"email": "ann@example.com", "password": PASSWORD, **more})


def acts():
    return list(
        AuditEvent.objects.filter(action__startswith="two_factor.").order_by("id").values_list("action", flat=True)
    )


def test_from_the_first_code_to_signing_in_with_one(api, ann):
    client = api(ann)
    assert client.get(f"{URL}/two-factor").json() == {"enabled": False, "enabled_at": None, "recovery_codes": 0}

    begun = client.post(f"{URL}/two-factor", {"password": PASSWORD}).json()
    app = Authenticator(begun["secret"])
    asked = parse_qs(urlsplit(begun["otpauth_uri"]).query)
    assert asked["secret"] == [begun["secret"]]
    assert begun["qr_svg"].startswith("<svg")
    assert "style" not in begun["qr_svg"]
    assert sign_in(api()).status_code == 200  # begun is not confirmed

    made = client.post(f"{URL}/two-factor/confirm", {"otp": app.code()})
    assert (made.status_code, len(set(made.json()["recovery_codes"]))) == (200, 10)
    assert told() == [(str(ann.pk), "two_factor.enabled")]
    assert client.get(f"{URL}/two-factor").json()["recovery_codes"] == 10

    assert (sign_in(api()).status_code, sign_in(api()).json()["code"]) == (401, "otp_required")
    assert sign_in(api(), otp=app.code(1)).status_code == 200
    assert acts() == ["two_factor.enabled"]


@pytest.mark.parametrize("otp", ["000000", "abcdef", "1", "１２３４５６", "AAAA-BBBB-CCCC-DDDD", " ", "+12345"])
def test_a_wrong_code_signs_nobody_in(api, ann, otp):
    enrol(ann)

    answer = sign_in(api(), otp=otp)

    assert (answer.status_code, answer.json()["code"]) == (401, "otp_required" if not otp.strip() else "otp_invalid")
    assert RefreshToken.objects.count() == 0


def test_a_code_counts_once_and_so_do_those_before_it(api, ann):
    app, _ = enrol(ann)
    assert sign_in(api(), otp=app.code()).status_code == 200

    for used in (app.code(), app.code(-1)):
        answer = sign_in(api(), otp=used)
        assert (answer.status_code, answer.json()["code"]) == (401, "otp_invalid")

    assert sign_in(api(), otp=app.code(1)).status_code == 200
    assert RefreshToken.objects.count() == 2


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
def test_a_clock_may_be_half_a_minute_off(api, ann, steps, status):
    app, _ = enrol(ann)

    assert sign_in(api(), otp=app.code(steps)).status_code == status


def test_a_recovery_code_stands_in_once_however_it_is_typed(api, ann):
    _, recovery = enrol(ann)

    assert sign_in(api(), otp=recovery[0].lower().replace("-", " ")).status_code == 200

    assert sign_in(api(), otp=recovery[0]).json()["code"] == "otp_invalid"
    assert sign_in(api(), otp=recovery[1]).status_code == 200
    assert [
        event.after for event in AuditEvent.objects.filter(action="two_factor.recovery_code_used").order_by("id")
    ] == [
        {"left": 9},
        {"left": 8},
    ]


def test_a_wrong_password_says_nothing_of_two_factor(api, ann):
    app, _ = enrol(ann)

    answer = sign_in(api(), password="wrong", otp=app.code())

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert sign_in(api(), otp=app.code()).status_code == 200  # and used up no code


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [("two-factor", {"password": "wrong"}, 400, "invalid_credentials"),
     ("two-factor/confirm", {"otp": "123456"}, 409, "two_factor_not_begun"),
     ("two-factor/recovery-codes", {"otp": "123456"}, 409, "two_factor_off"),
     ("step-up", {"otp": "123456"}, 409, "two_factor_off")],
)  # fmt: skip
def test_what_cannot_be_is_refused(api, ann, path, body, status, code):
    answer = api(ann).post(f"{URL}/{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert TwoFactorDevice.objects.count() == 0
    assert acts() == []


def test_a_wrong_first_code_switches_nothing_on(api, ann):
    client = api(ann)
    client.post(f"{URL}/two-factor", {"password": PASSWORD})

    answer = client.post(f"{URL}/two-factor/confirm", {"otp": authenticator_of(ann).code(5)})

    assert (answer.status_code, answer.json()["code"]) == (400, "otp_invalid")
    assert sign_in(api()).status_code == 200
    assert RecoveryCode.objects.count() == 0


def test_a_confirmed_device_can_not_be_replaced_by_a_new_one(api, ann):
    app, _ = enrol(ann)

    answer = api(ann).post(f"{URL}/two-factor", {"password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (409, "two_factor_on")
    assert sign_in(api(), otp=app.code()).status_code == 200


def test_a_new_set_of_recovery_codes_ends_the_old_one(api, ann):
    app, old = enrol(ann)

    new = api(ann).post(f"{URL}/two-factor/recovery-codes", {"otp": app.code()}).json()["recovery_codes"]

    assert len(new) == 10
    assert sign_in(api(), otp=old[0]).json()["code"] == "otp_invalid"
    assert sign_in(api(), otp=new[0]).status_code == 200
    assert "two_factor.codes_renewed" in acts()


@pytest.mark.parametrize(
    ("password", "steps", "code"), [("wrong", 0, "invalid_credentials"), (PASSWORD, 9, "otp_invalid")]
)
def test_switching_off_takes_both(api, ann, password, steps, code):
    app, _ = enrol(ann)

    answer = api(ann).delete(f"{URL}/two-factor", {"password": password, "otp": app.code(steps)})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert TwoFactorDevice.objects.count() == 1
    assert acts() == []


def test_switched_off_the_password_is_enough(api, ann):
    app, _ = enrol(ann)

    answer = api(ann).delete(f"{URL}/two-factor", {"password": PASSWORD, "otp": app.code()})

    assert answer.status_code == 204
    assert (TwoFactorDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert sign_in(api()).status_code == 200
    assert (acts(), told()) == (["two_factor.disabled"], [(str(ann.pk), "two_factor.disabled")])


def test_the_owner_hears_of_it(ann, site, deliver):
    tell_security(ann, "two_factor.disabled")
    deliver()
    (pk,) = due_mails()
    send_mail(site_id=site.pk, mail_id=pk)

    assert (mail.outbox[0].to, "is off" in mail.outbox[0].subject) == (["ann@example.com"], True)


def test_the_secret_can_not_be_read_in_the_database_nor_moved(ann, make_user):
    app, recovery = enrol(ann)
    ben = make_user("ben@example.com")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t::text FROM accounts_twofactordevice t UNION ALL SELECT r::text FROM accounts_recoverycode r"
        )
        dump = " ".join(row[0] for row in cursor.fetchall())
    assert app.secret not in dump
    assert not [code for code in recovery if code in dump or code.replace("-", "") in dump]
    moved = TwoFactorDevice(user=ben, secret=TwoFactorDevice.objects.get().secret)
    with pytest.raises(crypto.Undecryptable):
        codes.step_of(moved, app.code())


def test_a_login_that_exists_joins_another_site_only_with_its_code(api, ann, other_site):
    app, _ = enrol(ann)
    body = {"email": "ann@example.com", "password": PASSWORD}

    assert api(at=other_site).post(f"{URL}/register", body).json()["code"] == "otp_required"
    wrong = api(at=other_site).post(f"{URL}/register", {**body, "otp": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "otp_invalid")
    assert api(at=other_site).post(f"{URL}/token", {**body, "otp": app.code(-1)}).status_code == 401

    assert api(at=other_site).post(f"{URL}/register", {**body, "otp": app.code()}).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["device", "recovery"])
def test_of_parallel_uses_of_one_code_one_succeeds(transactional_alpha, member, kind):
    with site_context(transactional_alpha):
        app, recovery = enrol(member)
    code = app.code() if kind == "device" else recovery[0]
    won = []

    def use():
        try:
            with site_context(transactional_alpha):
                won.append(accepts(member, code))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 11 + [True]


def reset(user, actor, access=None):
    reset_two_factor(user=user, actor=actor, access=access or load_access(actor.pk), reason="Lost their phone")


def test_staff_reset_what_a_member_lost(ann, make_user):
    give_affiliate_role(user=ann)
    enrol(ann)
    owner = make_user("owner@example.com", roles=["super_admin"])

    reset(ann, owner)

    assert (TwoFactorDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    event = AuditEvent.objects.get(action="two_factor.reset")
    assert (event.actor_id, event.target_id, event.reason) == (owner.pk, str(ann.pk), "Lost their phone")
    assert told() == [(str(ann.pk), "two_factor.reset")]
    with pytest.raises(Conflict):
        reset(ann, owner)


def test_nobody_resets_their_own_or_somebodys_above_them(ann, make_user, other_site):
    admin = make_user("admin@example.com", roles=["admin"])
    owner = make_user("owner@example.com", roles=["super_admin"])
    runs_all = make_user("all@example.com")
    PlatformRole.objects.create(user=runs_all, role_key="super_admin")
    elsewhere = make_user("elsewhere@example.com")
    with site_context(other_site.pk):
        UserRole.objects.create(user=elsewhere, role=Role.objects.get(key="support_agent"))
    for user in (admin, owner, runs_all, elsewhere):
        enrol(user)

    for user, actor in ((admin, admin), (owner, admin), (runs_all, owner), (elsewhere, owner)):
        with pytest.raises(Denied):
            reset(user, actor)

    assert TwoFactorDevice.objects.count() == 4
    assert acts() == []
    reset(admin, owner)
    reset(elsewhere, owner, Access(platform=True))
    assert set(TwoFactorDevice.objects.values_list("user_id", flat=True)) == {owner.pk, runs_all.pk}


def test_a_user_s_device_goes_with_nobody_else(ann, make_user):
    app, _ = enrol(ann)
    ben = make_user("ben@example.com", password=PASSWORD)
    enrol(ben)

    assert not accepts(ben, app.code())
    assert accepts(User.objects.get(pk=ann.pk), app.code())
