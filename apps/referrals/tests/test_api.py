"""The partner's endpoints as a client sees them (T4, T6, T10, H10)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.tenancy import site_context
from apps.referrals import enrichment
from apps.referrals.models import CampaignLink, Click, Conversion, Partner
from apps.referrals.services import Attribution, attribute, fold_stats, record_click
from apps.referrals.tests.factories import UserFactory, make_chain, make_partner

API = "/api/v1"
FRAME = 4
"""Savepoint and site setting of a request inside a test's transaction; outside they travel with BEGIN."""


def get(client, path, expected=200, **params):
    answer = client.get(f"{API}{path}", params)
    assert answer.status_code == expected, answer.content
    return answer.json()


def names(body):
    return [row["name"] for row in body["results"]]


def test_stats_are_exact_at_once_and_after_the_fold(api, team):
    expected = {"direct_referrals": 2, "total_team_size": 4, "level_breakdown": {"1": 2, "2": 1, "3": 1}}
    client = api(team["ann"].user)

    assert get(client, "/referrals/stats") == expected
    fold_stats()
    assert get(client, "/referrals/stats") == expected
    assert get(api(team["eve"].user), "/referrals/stats") == {
        "direct_referrals": 0, "total_team_size": 0, "level_breakdown": {},
    }  # fmt: skip


def test_the_tree_is_depth_first_without_oneself_and_masks_addresses(api, team):
    body = get(api(team["ann"].user), "/referrals/tree")

    assert names(body) == ["Bob", "Dora", "Eve", "Carl"]
    bob = body["results"][0]
    assert bob == {
        "id": str(team["bob"].pk),
        "parent_id": str(team["ann"].pk),
        "level": 1,
        "name": "Bob",
        "email": f"p***@{team['bob'].user.email.partition('@')[2]}",
        "referral_code": team["bob"].code,
        "status": "active",
        "kind": "user",
        "joined_at": bob["joined_at"],
        "direct_referrals": 1,
        "total_team_size": 2,
        "purchases_total": 0,
        "commission_total": 0,
    }
    assert (body["next"], body["previous"]) == (None, None)
    assert [row["level"] for row in body["results"]] == [1, 2, 3, 1]


def test_the_depth_of_the_tree_is_one_to_twenty(api, team):
    client = api(team["ann"].user)

    assert names(get(client, "/referrals/tree", depth=1)) == ["Bob", "Carl"]
    assert names(get(client, "/referrals/tree", depth=2)) == ["Bob", "Dora", "Carl"]
    for depth in ("0", "21", "-1", "x", "1.5", "٣"):
        body = get(client, "/referrals/tree", 400, depth=depth)
        assert (body["code"], body["errors"][0]["field"]) == ("invalid", "depth")
    get(client, "/referrals/tree", 400, dept=3)


def test_a_chain_longer_than_twenty_ends_at_twenty(api, site):
    chain = make_chain(23)

    body = get(api(chain[0].user), "/referrals/tree")
    assert [row["level"] for row in body["results"]] == list(range(1, 21))
    assert get(api(chain[0].user), "/referrals/stats")["total_team_size"] == 20


def test_pages_of_the_tree_go_forth_and_back_by_signed_cursors(api, team):
    client = api(team["ann"].user)
    first = get(client, "/referrals/tree", limit=2)

    second = client.get(first["next"]).json()
    assert (names(first), names(second)) == (["Bob", "Dora"], ["Eve", "Carl"])
    assert second["next"] is None
    assert names(client.get(second["previous"]).json()) == ["Bob", "Dora"]
    cursor = first["next"].partition("cursor=")[2].partition("&")[0]
    assert team["ann"].path not in __import__("base64").urlsafe_b64decode(cursor + "==").decode()
    get(client, "/referrals/tree", 400, cursor=cursor[:-3] + "abc")
    get(client, "/affiliate/referrals", 400, cursor=cursor)


def test_a_partners_root_is_always_themselves_and_staff_may_choose(api, team, make_user):
    manager = make_user(roles=["affiliate_manager"])

    assert names(get(api(team["bob"].user), "/referrals/tree", root=str(team["ann"].pk))) == ["Dora", "Eve"]
    body = get(api(manager), "/referrals/tree", root=str(team["bob"].pk))
    assert names(body) == ["Dora", "Eve"]
    assert body["results"][0]["email"] == team["dora"].user.email
    assert get(api(manager), "/referrals/tree", 404)["code"] == "not_found"


def test_the_upline_is_nearest_first_with_names_only(api, team):
    body = get(api(team["eve"].user), "/referrals/upline")

    assert body["results"] == [
        {"id": str(team[name].pk), "name": name.title(), "level": level}
        for level, name in enumerate(["dora", "bob", "ann"], start=1)
    ]


def test_referrals_carry_the_chain_between(api, team):
    body = get(api(team["ann"].user), "/affiliate/referrals")

    rows = {row["name"]: row for row in body["results"]}
    assert [link["name"] for link in rows["Eve"]["parent_chain"]] == ["Bob", "Dora"]
    assert [link["level"] for link in rows["Eve"]["parent_chain"]] == [1, 2]
    assert rows["Bob"]["parent_chain"] == []
    assert names(get(api(team["ann"].user), "/affiliate/referrals/level/2")) == ["Dora"]
    for level in (0, 21):
        get(api(team["ann"].user), f"/affiliate/referrals/level/{level}", 400)


def test_referrals_are_filtered(api, team):
    client, dora = api(team["ann"].user), team["dora"]
    Partner.objects.filter(pk=dora.pk).update(status="inactive")
    today = timezone.now().date()

    assert names(get(client, "/affiliate/referrals", status="inactive")) == ["Dora"]
    assert names(get(client, "/affiliate/referrals", search="DOR")) == ["Dora"]
    assert names(get(client, "/affiliate/referrals", search=dora.code[:6].lower())) == ["Dora"]
    assert names(get(client, "/affiliate/referrals", search=dora.user.email)) == ["Dora"]
    assert names(get(client, "/affiliate/referrals", search=dora.user.email[:9])) == []
    assert len(names(get(client, "/affiliate/referrals", date_from=today, date_to=today))) == 4
    assert names(get(client, "/affiliate/referrals", date_to=today - timedelta(days=1))) == []
    assert names(get(client, "/affiliate/referrals", date_from=today + timedelta(days=1))) == []
    for params in ({"status": "dead"}, {"date_from": "yesterday"}, {"ordering": "name"}):
        get(client, "/affiliate/referrals", 400, **params)


def test_figures_of_apps_above_stand_in_the_row(api, team, monkeypatch):
    asked = []

    def purchases(viewer, partners):
        asked.append((viewer, len(partners)))
        return {team["bob"].pk: 4200}

    monkeypatch.setattr(enrichment, "_providers", {"purchases_total": "x"})
    monkeypatch.setattr(enrichment, "import_string", lambda path: purchases)

    body = get(api(team["ann"].user), "/referrals/tree")

    assert [row["purchases_total"] for row in body["results"]] == [4200, 0, 0, 0]
    assert asked == [(team["ann"], 4)]
    with pytest.raises(ValueError, match="no column"):
        enrichment.register("salary", "x")


@pytest.mark.parametrize(
    ("path", "queries"),
    [("/referrals/stats", 2), ("/referrals/upline", 3), ("/referrals/tree", 4), ("/affiliate/referrals", 5)],
)
def test_query_counts_do_not_grow_with_the_rows(api, site, django_assert_num_queries, path, queries):
    """Caller, access, own place; then the page, its statistics and the chains between."""
    chain = make_chain(4)
    client = api(chain[1].user)

    with django_assert_num_queries(queries + FRAME):
        get(client, path)
    make_chain(10, chain[-1])
    with django_assert_num_queries(queries + FRAME):
        get(client, path)


def test_staff_and_strangers_at_the_partners_endpoints(api, team, make_user, other_site):
    for path in ("/referrals/stats", "/referrals/tree", "/referrals/upline", "/affiliate/referrals", "/affiliate/link"):
        assert get(api(), path, 401)["code"] == "not_authenticated"
        assert get(api(make_user()), path, 403)["code"] == "permission_denied"
        assert get(api(team["ann"].user, at=other_site), path, 403)["code"] == "site_mismatch"


def test_the_link_has_a_qr_code_and_its_figures(api, team, settings):
    ann = team["ann"]
    bob_click = record_click(partner=ann)
    for _ in range(3):
        record_click(partner=ann)
    credited = attribute(click_id=bob_click.pk)
    make_partner(ann, attribution=credited)

    body = get(api(ann.user), "/affiliate/link")

    assert body["url"] == body["short_url"] == f"http://alpha.localhost:8000/r/{ann.code}"
    assert (body["referral_code"], body["clicks"], body["signups"], body["conversion_rate"]) == (ann.code, 4, 1, "0.25")
    assert body["qr_svg"].startswith("<svg")
    assert "style=" not in body["qr_svg"]
    assert get(api(team["zoe"].user), "/affiliate/link")["conversion_rate"] == "0"


def test_campaign_links_are_named_renamed_and_switched_off(api, team):
    ann, client = team["ann"], api(team["ann"].user)

    made = client.post(f"{API}/affiliate/link", {"name": "Diwali"})
    assert made.status_code == 201
    link = made.json()
    slug = CampaignLink.objects.get(pk=link["id"]).slug
    assert link["short_url"] == f"http://alpha.localhost:8000/r/{slug}"
    again = client.post(f"{API}/affiliate/link", {"name": "Diwali"})
    assert (again.status_code, again.json()["code"]) == (409, "link_exists")

    changed = client.patch(f"{API}/affiliate/link", {"id": link["id"], "name": "Holi", "is_active": False})
    assert (changed.status_code, changed.json()["name"], changed.json()["is_active"]) == (200, "Holi", False)
    foreign = api(team["zoe"].user).patch(f"{API}/affiliate/link", {"id": link["id"], "name": "Mine"})
    assert (foreign.status_code, CampaignLink.objects.get(pk=link["id"]).name) == (404, "Holi")
    assert [row["name"] for row in get(client, "/affiliate/link")["links"]] == ["Holi"]
    assert ann.links.count() == 1


def test_subscribing(api, team):
    assert api(team["ann"].user).post(f"{API}/affiliate/subscribe", {"path": "paid"}).json() == {"status": "active"}
    with site_context(team["ann"].site_id):
        pending = make_partner(status="pending")
    answer = api(pending.user).post(f"{API}/affiliate/subscribe", {"path": "purchase"})
    assert (answer.status_code, answer.json()["code"]) == (409, "qualifying_purchase_required")
    assert api(pending.user).post(f"{API}/affiliate/subscribe", {"path": "beg"}).status_code == 400
    pending.refresh_from_db()
    assert pending.status == "pending"


def test_a_click_is_tracked_for_anybody(api, team):
    answer = api().post(
        f"{API}/track/click",
        {"referral_code": team["ann"].code.lower(), "url": "https://shop.example/x", "device_id": "d1"},
        headers={"User-Agent": "Firefox"},
    )

    assert answer.status_code == 201
    click = Click.objects.get(pk=answer.json()["click_id"])
    assert (click.partner, click.ip, click.device_id, click.url) == (
        team["ann"],
        "127.0.0.1",
        "d1",
        "https://shop.example/x",
    )
    assert "Firefox" not in click.user_agent_hash


def test_unknown_codes_all_answer_alike_and_ten_a_minute(api, team, address, other_site):
    with site_context(other_site.pk):
        foreign = make_partner().code
    guesses = ["A" * 12, foreign, "x", "'; --", "22222222", "A" * 12]

    def guess(code):
        answer = api().post(
            f"{API}/track/click", {"referral_code": code}, headers={"X-Request-ID": "same"}, REMOTE_ADDR=address
        )
        return answer.status_code, answer.content

    bodies = {guess(code) for code in guesses}
    assert len(bodies) == 1
    assert bodies.pop()[0] == 400
    right = {"referral_code": team["ann"].code}
    assert api().post(f"{API}/track/click", right, REMOTE_ADDR=address).status_code == 201
    for _ in range(4):
        assert guess("B" * 12)[0] == 400

    status, body = guess("C" * 12)
    assert (status, b"rate_limited" in body) == (429, True)
    blocked = api().post(f"{API}/track/click", right, REMOTE_ADDR=address)
    assert (blocked.status_code, int(blocked["Retry-After"]) <= 60) == (429, True)
    assert Click.objects.count() == 1


def test_a_signup_is_credited_to_the_link_that_brought_it(site, team):
    ann = team["ann"]
    link = CampaignLink.objects.create(partner=ann, name="Diwali", slug="abcdefgh")
    click = record_click(partner=ann, link=link)

    newcomer = make_partner(ann, attribution=Attribution(ann, "code", click))

    conversion = Conversion.objects.get(subject_id=newcomer.pk)
    assert (conversion.partner, conversion.link, conversion.click, conversion.source) == (ann, link, click, "code")


def test_nobody_writes_what_is_not_theirs_to_write(api, team):
    """R16: fields that no endpoint offers are not stored."""
    zoe = team["zoe"]
    before = Partner.objects.filter(pk=zoe.pk).values().get()

    api(zoe.user).post(
        f"{API}/affiliate/subscribe", {"path": "paid", "status": "active", "sponsor_id": str(team["ann"].pk)}
    )
    api(zoe.user).post(f"{API}/affiliate/link", {"name": "n", "partner_id": str(team["ann"].pk), "slug": "aaaaaaaa"})

    assert Partner.objects.filter(pk=zoe.pk).values().get() == before
    link = CampaignLink.objects.get()
    assert (link.partner, link.slug == "aaaaaaaa") == (zoe, False)
    assert UserFactory().partners.count() == 0
