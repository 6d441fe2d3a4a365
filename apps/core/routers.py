"""Which alias reads, writes and migrates. The app and the owner see the same tables; `audit` only reads."""

from typing import Any

from apps.core.tenancy import ReadOnly, read_alias, reading_across


class RoleRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return read_alias() if reading_across() else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        if reading_across():
            raise ReadOnly()
        return None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == "audit" else None

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        return True
