"""Load the demo: six sites, their people and their money. Safe to repeat; writes demo.json into the state directory."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections, transaction

from apps.accounts.authentication import hash_key
from apps.accounts.models import ApiKey, User
from apps.accounts.services import create_api_key
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.onboarding.demo import outside
from apps.onboarding.demo.deposits import Deposits
from apps.onboarding.demo.paying import Payers
from apps.onboarding.demo.sites import SITES, DemoSite
from apps.onboarding.demo.story import STAFF, Story
from apps.onboarding.demo.tokens import Sales
from apps.onboarding.demo.workspace import WORKSPACE
from apps.rbac.catalogue import KEY_SCOPES, SUPER_ADMIN
from apps.rbac.services import grant_platform_role
from apps.referrals.services import fold_stats
from apps.sites import registry
from apps.sites.services import create_site

OWNER = "owner@upline.example"


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not hasattr(settings, "UPLINE_DEMO_PASSWORD"):
            raise CommandError("The demo is for local and test settings only.")
        self.make_owner()
        file = Path(settings.UPLINE_STATE_DIR or ".") / "demo.json"
        former = self.read(file)
        keys = {demo.code: self.load(demo, former.get(demo.code, "")) for demo in SITES}
        services = outside.running()
        signing = {demo.code: self.sign_up(demo, services) for demo in SITES}
        self.write(file, keys, services, signing)
        self.count_rows()
        self.stdout.write(f"{len(SITES)} sites")

    def make_owner(self) -> None:
        with transaction.atomic():
            owner = User.objects.filter(email=OWNER).first()
            if owner is None:
                owner = User.objects.create_user(
                    email=OWNER, password=settings.UPLINE_DEMO_PASSWORD, full_name="Olivia Owner"
                )
            grant_platform_role(user=owner, role_key=SUPER_ADMIN, actor=SYSTEM, access=None)

    def load(self, demo: DemoSite, former_key: str) -> str:
        site = create_site(code=demo.code, name=demo.name, currency=demo.currency, hue=demo.hue, settings=demo.settings)
        story = Story(demo, site.pk, settings.UPLINE_DEMO_PASSWORD)
        story.fill_shelf()
        if not story.is_told():
            story.tell()
            with site_context(site.pk):
                fold_stats(wait=True)
        with site_context(site.pk):
            # A key is shown once, so the one of an earlier run is known from its file only.
            if former_key and ApiKey.objects.filter(key_hash=hash_key(former_key), revoked_at=None).exists():
                return former_key
            return create_api_key(name="Demo shop", scopes=list(KEY_SCOPES), actor=SYSTEM, access=None)[1]

    def sign_up(self, demo: DemoSite, services: list[outside.Service]) -> dict[str, str]:
        """{service: the secret that signs its webhooks}."""
        site = registry.by_code(demo.code)
        assert site is not None
        with site_context(site.pk):
            signing = {service.name: service.sign_up(demo.code, demo.name) for service in services}
        # Before tokens are sold: whoever has said where those go has a payout method already, and another one rests.
        Payers(demo, site.pk, services, User.objects.get(email=OWNER)).tell()
        if demo.code in outside.TOKENS:
            Sales(demo, site.pk, services).tell()
        if demo.bonuses:
            Deposits(demo, site.pk, services, settings.UPLINE_DEMO_PASSWORD).tell()
        return {name: secret for name, secret in signing.items() if secret}

    def count_rows(self) -> None:
        """Until autovacuum comes by, the planner takes new tables for empty and reads all rows of a site where it could take one
        by its key: ten thousand partners in the first minute would run into the statement limit."""
        if "owner" in connections:  # ANALYZE is for who owns the tables
            with connections["owner"].cursor() as cursor:
                cursor.execute("ANALYZE")

    def read(self, file: Path) -> dict[str, str]:
        if not file.exists():
            return {}
        return {site["code"]: site.get("api_key", "") for site in json.loads(file.read_text()).get("sites", [])}

    def write(
        self, file: Path, keys: dict[str, str], services: list[outside.Service], signing: dict[str, dict[str, str]]
    ) -> None:
        port = getattr(settings, "UPLINE_PORT", 8000)
        logins = [{"email": OWNER, "role": SUPER_ADMIN, "site": None}]
        for demo in SITES:
            logins += [
                {"email": f"{name}@{demo.domain}", "role": role, "site": demo.code}
                for name, role in {
                    **STAFF,
                    "partner": "affiliate",
                    **({"agent": "affiliate"} if demo.bonuses else {}),
                }.items()
            ]
            if demo.code == WORKSPACE:
                logins += [
                    {"email": f"{name}@{demo.domain}", "role": None, "site": demo.code}
                    for name in ("enterprise", "sub")
                ]
        content = {
            "url": f"http://localhost:{port}",
            "password": settings.UPLINE_DEMO_PASSWORD,
            "sites": [
                {
                    "code": demo.code, "name": demo.name, "currency": demo.currency,
                    "url": f"http://{demo.code.lower()}.localhost:{port}/", "api_key": keys[demo.code],
                    "webhook_secrets": signing[demo.code],
                }
                for demo in SITES
            ],
            "logins": logins,
            "fakes": {service.name: service.url() for service in services},
        }  # fmt: skip
        file.touch(mode=0o600)
        os.chmod(file, 0o600)  # noqa: PTH101
        file.write_text(json.dumps(content, indent=1))
