"""The sites every test starts from. Run as a module while the template is built: only the owner creates tenants."""

import django

SITES = (
    {"code": "ALPHA", "name": "Alpha", "currency": "INR"},
    {"code": "BETA", "name": "Beta", "currency": "INR"},
    {
        "code": "GAMMA", "name": "Gamma", "currency": "INR", "time_zone": "Asia/Kolkata",
        "settings": {
            "activation": "required", "activation_fee": 49900, "qualifying_categories": ["server"], "payout_minimum": 50000,
            "payout_cooldown_hours": 24,
        },
    },
    {"code": "DOLLAR", "name": "Dollar", "currency": "USD"},
)  # fmt: skip

if __name__ == "__main__":
    django.setup()
    from apps.sites.services import create_site

    for values in SITES:
        create_site(**values)  # type: ignore[arg-type]
