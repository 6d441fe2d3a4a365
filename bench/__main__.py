"""bin/bench [NAME] [--size N] [--soak]: run the benchmarks and print one table."""

import argparse
import importlib
import os
import sys
import time
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg

DATABASE = "upline_bench"

# name on the command line → module; one module may report several rows.
BENCHES = {
    "stats_read": "bench.web",
    "downline_page": "bench.trees",
    "level_counts": "bench.trees",
    "commission_orders": "bench.commissions",
    "ledger_posts": "bench.ledger",
    "signups_hot_sponsor": "bench.signups",
    "backoffice": "bench.office",
    "export": "bench.exports",
}
SOAKS = {
    "reliability": "bench.soak", "webhooks": "bench.webhooks", "payouts": "bench.payouts", "kills": "bench.kills",
}  # fmt: skip


def fresh_database() -> None:
    """A database of the benchmarks' own, made anew: what was there before would be measured too."""
    from apps.core.rls.bootstrap import bootstrap

    names = ("DATABASE_ADMIN_URL", "DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_AUDIT_URL")
    for name in names:
        os.environ[name] = with_database(os.environ[name], DATABASE)
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    admin_url, owner_url, app_url, audit_url = (os.environ[name] for name in names)
    bootstrap(admin_url=admin_url, owner_url=owner_url, app_url=app_url, audit_url=audit_url)


def with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted({*BENCHES, *SOAKS}), help="one benchmark; all without it")
    parser.add_argument("--size", type=int, default=1_000_000, help="partners in the large tree")
    parser.add_argument("--soak", action="store_true", help="the long reliability rows at full size instead")
    options = parser.parse_args()
    fresh_database()
    django.setup()
    from django.core.management import call_command

    from bench.figures import table

    call_command("migrate", verbosity=0)
    chosen = SOAKS if options.soak else BENCHES
    modules = [chosen[options.name]] if options.name else list(dict.fromkeys(chosen.values()))
    figures = []
    for module in modules:
        started = time.perf_counter()
        figures += importlib.import_module(module).run(options.size)
        print(f"{module}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
