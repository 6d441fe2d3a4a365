"""Which alias may migrate. The app and the owner see the same tables; `audit` only reads."""

from typing import Any


class RoleRouter:
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == "audit" else None

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        return True
