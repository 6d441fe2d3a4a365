from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "apps.wallet"
    label = "wallet"

    def ready(self) -> None:
        from apps.core import chain
        from apps.payments import purposes
        from apps.sites import provisioning

        purposes.register("deposit", "apps.wallet.services.deposits.DepositPayments")

        provisioning.register("apps.wallet.services.accounts.open_system_accounts")
        chain.register(
            chain.Chain(
                name="ledger",
                table="wallet_entry",
                link_table="wallet_entrylink",
                row_sql=(
                    "jsonb_build_array(t.id, t.site_id, t.kind, t.key, t.ref_type, t.ref_id, t.meta, t.created_at,"
                    " (SELECT jsonb_agg(jsonb_build_array(p.id, p.account_id, p.currency, p.amount) ORDER BY p.id)"
                    "  FROM wallet_posting p WHERE p.site_id = t.site_id AND p.entry_id = t.id))"
                ),
                said_sql="t.kind",
            )
        )
