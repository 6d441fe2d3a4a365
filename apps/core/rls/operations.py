"""Migration operations: a table and everything that keeps sites apart come in the same migration.

    operations = [
        migrations.CreateModel("Order", ...),
        ProtectTable("Order", grants="SELECT, INSERT", update_columns=["status", "paid_at"]),
    ]

They change the database only, never Django's state, so the autodetector stays quiet about them.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation

from apps.core.models.fields import SiteForeignKey
from apps.core.rls.roles import APP, AUDIT, CURRENT_SITE, GUARD, OWNER

LIMIT = 63  # bytes of a PostgreSQL identifier


def constraint_name(table: str, column: str) -> str:
    """Name of the composite foreign key of a column."""
    return f"{table}_{column}_site_fk"[:LIMIT]


class _TableOperation(Operation):
    reduces_to_sql = True
    reversible = True
    elidable = False

    def __init__(self, model: str) -> None:
        self.model = model

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes for the ORM."""

    def _model(self, app_label: str, state: Any) -> type[models.Model]:
        model: type[models.Model] = state.apps.get_model(app_label, self.model)
        return model

    def _run(self, schema_editor: Any, statements: Sequence[str]) -> None:
        for statement in statements:
            # Literals inside policies carry no parameters, so a percent sign stays itself.
            schema_editor.execute(statement, params=None)


class ProtectTable(_TableOperation):
    """ENABLE + FORCE row level security, its policies and grants, UNIQUE (site_id, id) and the composite foreign keys.

    `grants` is what the app role may do with the whole table; `insert_columns` and `update_columns` narrow it to columns.
    `audit=False` keeps a table of secrets from the audit role. `guard` gives the guard role a policy and these rights, for the
    SECURITY DEFINER functions that keep an invariant.
    """

    def __init__(
        self,
        model: str,
        grants: str,
        insert_columns: Sequence[str] = (),
        update_columns: Sequence[str] = (),
        audit: bool = True,
        guard: str = "",
    ) -> None:
        super().__init__(model)
        self.grants = grants
        self.insert_columns = tuple(insert_columns)
        self.update_columns = tuple(update_columns)
        self.audit = audit
        self.guard = guard

    def describe(self) -> str:
        return f"Protect {self.model} with row level security"

    @property
    def migration_name_fragment(self) -> str:
        return f"protect_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = self._model(app_label, to_state)
        table = model._meta.db_table
        self._run(schema_editor, [*self._policies(table), *self._grants(table), *self._keys(model)])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = self._model(app_label, from_state)
        table = model._meta.db_table
        statements = [
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{constraint_name(table, field.column)}"'
            for field in site_foreign_keys(model)
        ]
        names = ("site_isolation", "owner_maintenance", "audit_read", "guard_access")
        statements += [f'DROP POLICY IF EXISTS {name} ON "{table}"' for name in names]
        statements += [
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{table}_site_id_key"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
            f'REVOKE ALL ON "{table}" FROM {APP}, {AUDIT}, {GUARD}',
        ]
        self._run(schema_editor, statements)

    def _policies(self, table: str) -> list[str]:
        mine = f"site_id = {CURRENT_SITE}"
        maintenance = "current_setting('app.maintenance', true) = 'on'"
        statements = [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY site_isolation ON "{table}" FOR ALL TO {APP} USING ({mine}) WITH CHECK ({mine})',
            f'CREATE POLICY owner_maintenance ON "{table}" FOR ALL TO {OWNER} USING ({maintenance})',
        ]
        if self.audit:
            statements.append(f'CREATE POLICY audit_read ON "{table}" FOR SELECT TO {AUDIT} USING (true)')
        if self.guard:
            policy = f'CREATE POLICY guard_access ON "{table}" FOR ALL TO {GUARD} USING (true) WITH CHECK (true)'
            statements.append(policy)
        return statements

    def _grants(self, table: str) -> list[str]:
        statements = [f'REVOKE ALL ON "{table}" FROM PUBLIC', f'GRANT {self.grants} ON "{table}" TO {APP}']
        for right, columns in (("INSERT", self.insert_columns), ("UPDATE", self.update_columns)):
            if columns:
                listed = ", ".join(f'"{column}"' for column in columns)
                statements.append(f'GRANT {right} ({listed}) ON "{table}" TO {APP}')
        if self.audit:
            statements.append(f'GRANT SELECT ON "{table}" TO {AUDIT}')
        if self.guard:
            statements.append(f'GRANT {self.guard} ON "{table}" TO {GUARD}')
        return statements

    def _keys(self, model: type[models.Model]) -> list[str]:
        table, pk = model._meta.db_table, model._meta.pk.column
        statements = [f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_site_id_key" UNIQUE (site_id, "{pk}")']
        return statements + [composite_key_sql(table, field) for field in site_foreign_keys(model)]


class CompositeForeignKey(_TableOperation):
    """The composite foreign key of one SiteForeignKey that was added after its table was protected."""

    def __init__(self, model: str, field: str) -> None:
        super().__init__(model)
        self.field = field

    def describe(self) -> str:
        return f"Composite foreign key of {self.model}.{self.field}"

    @property
    def migration_name_fragment(self) -> str:
        return f"site_fk_{self.model.lower()}_{self.field}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = self._model(app_label, to_state)
        field = model._meta.get_field(self.field)
        self._run(schema_editor, [composite_key_sql(model._meta.db_table, field)])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = self._model(app_label, from_state)
        field: Any = model._meta.get_field(self.field)
        table, column = model._meta.db_table, field.column
        self._run(schema_editor, [f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint_name(table, column)}"'])


class GrantTable(_TableOperation):
    """Grants on a table that all sites share. Each such table is on the short list of `apps.core.rls.catalogue`."""

    def __init__(
        self, model: str, grants: str, update_columns: Sequence[str] = (), audit: str = "SELECT", guard: str = ""
    ) -> None:
        super().__init__(model)
        self.grants = grants
        self.update_columns = tuple(update_columns)
        self.audit = audit
        self.guard = guard

    def describe(self) -> str:
        return f"Grants on the shared table of {self.model}"

    @property
    def migration_name_fragment(self) -> str:
        return f"grant_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, to_state)._meta.db_table
        statements = [f'REVOKE ALL ON "{table}" FROM PUBLIC', f'GRANT {self.grants} ON "{table}" TO {APP}']
        if self.update_columns:
            listed = ", ".join(f'"{column}"' for column in self.update_columns)
            statements.append(f'GRANT UPDATE ({listed}) ON "{table}" TO {APP}')
        if self.audit:
            statements.append(f'GRANT {self.audit} ON "{table}" TO {AUDIT}')
        if self.guard:
            statements.append(f'GRANT {self.guard} ON "{table}" TO {GUARD}')
        self._run(schema_editor, statements)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, from_state)._meta.db_table
        self._run(schema_editor, [f'REVOKE ALL ON "{table}" FROM {APP}, {AUDIT}, {GUARD}'])


class GuardFunction(Operation):
    """A SECURITY DEFINER function of the guard role, with a fixed search_path.

    `create` is the CREATE FUNCTION statement without OR REPLACE, `signature` names it for GRANT and DROP. The owner cannot
    replace a function of the guard, hence the change of role around it; CREATE on the schema is lent for one statement.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, signature: str, create: str, execute_to: str = APP) -> None:
        self.signature = signature
        self.create = create
        self.execute_to = execute_to

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes for the ORM."""

    def describe(self) -> str:
        return f"Guard function {self.signature}"

    @property
    def migration_name_fragment(self) -> str:
        return "guard_" + self.signature.split("(")[0]

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in (
            f"GRANT CREATE ON SCHEMA public TO {GUARD}",
            f"SET LOCAL ROLE {GUARD}",
            self.create,
            f"REVOKE ALL ON FUNCTION {self.signature} FROM PUBLIC",
            # The owner needs it to attach a trigger; the app to call it.
            f"GRANT EXECUTE ON FUNCTION {self.signature} TO {OWNER}, {self.execute_to}",
            "RESET ROLE",
            f"REVOKE CREATE ON SCHEMA public FROM {GUARD}",
        ):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in (f"SET LOCAL ROLE {GUARD}", f"DROP FUNCTION {self.signature}", "RESET ROLE"):
            schema_editor.execute(statement, params=None)


class AppendOnly(_TableOperation):
    """Refuse UPDATE, DELETE and TRUNCATE by trigger too, whoever asks."""

    def describe(self) -> str:
        return f"{self.model} is append-only"

    @property
    def migration_name_fragment(self) -> str:
        return f"append_only_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, to_state)._meta.db_table
        self._run(
            schema_editor,
            [
                f'CREATE TRIGGER frozen_row BEFORE UPDATE OR DELETE ON "{table}" '
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
                f'CREATE TRIGGER frozen_all BEFORE TRUNCATE ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            ],
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, from_state)._meta.db_table
        self._run(schema_editor, [f'DROP TRIGGER {name} ON "{table}"' for name in ("frozen_row", "frozen_all")])


class Transitions(_TableOperation):
    """Which states may follow one another, enforced by the database behind the services' `advance`.

    `allowed` is the model's TRANSITIONS: {state: [next states]}. A state that is no key is final.
    """

    def __init__(self, model: str, allowed: dict[str, Sequence[str]], field: str = "status") -> None:
        super().__init__(model)
        self.allowed = {str(state): sorted(str(item) for item in following) for state, following in allowed.items()}
        self.field = field

    def describe(self) -> str:
        return f"States of {self.model}"

    @property
    def migration_name_fragment(self) -> str:
        return f"states_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, to_state)._meta.db_table
        allowed = json.dumps(self.allowed, sort_keys=True)
        self._run(
            schema_editor,
            [
                f'CREATE TRIGGER "{self.field}_transition" BEFORE UPDATE OF "{self.field}" ON "{table}" FOR EACH ROW'
                f' WHEN (OLD."{self.field}" IS DISTINCT FROM NEW."{self.field}")'
                f" EXECUTE FUNCTION refuse_transition('{self.field}', '{allowed}')"
            ],
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = self._model(app_label, from_state)._meta.db_table
        self._run(schema_editor, [f'DROP TRIGGER "{self.field}_transition" ON "{table}"'])


class ChangeTransitions(_TableOperation):
    """Other states may follow one another from here on: `before` is what Transitions made, `after` what holds now."""

    def __init__(
        self, model: str, before: dict[str, Sequence[str]], after: dict[str, Sequence[str]], field: str = "status"
    ) -> None:
        super().__init__(model)
        self.before = before
        self.after = after
        self.field = field

    def describe(self) -> str:
        return f"Other states of {self.model}"

    @property
    def migration_name_fragment(self) -> str:
        return f"states_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        Transitions(self.model, self.before, self.field).database_backwards(
            app_label, schema_editor, to_state, from_state
        )
        Transitions(self.model, self.after, self.field).database_forwards(
            app_label, schema_editor, from_state, to_state
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        Transitions(self.model, self.after, self.field).database_backwards(
            app_label, schema_editor, from_state, to_state
        )
        Transitions(self.model, self.before, self.field).database_forwards(
            app_label, schema_editor, to_state, from_state
        )


class GrantUpdate(_TableOperation):
    """Columns that the app role may change from here on, of a table that was protected before they were there."""

    def __init__(self, model: str, columns: Sequence[str]) -> None:
        super().__init__(model)
        self.columns = tuple(columns)

    def describe(self) -> str:
        return f"Columns of {self.model} that may change"

    @property
    def migration_name_fragment(self) -> str:
        return f"grant_update_{self.model.lower()}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._say("GRANT", "TO", app_label, schema_editor, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._say("REVOKE", "FROM", app_label, schema_editor, from_state)

    def _say(self, verb: str, whom: str, app_label: str, schema_editor: Any, state: Any) -> None:
        table = self._model(app_label, state)._meta.db_table
        listed = ", ".join(f'"{column}"' for column in self.columns)
        self._run(schema_editor, [f'{verb} UPDATE ({listed}) ON "{table}" {whom} {APP}'])


def site_foreign_keys(model: type[models.Model]) -> list[SiteForeignKey]:
    """The fields that need a composite key."""
    return [field for field in model._meta.local_fields if isinstance(field, SiteForeignKey)]


def composite_key_sql(table: str, field: Any) -> str:
    """(site_id, x_id) → (site_id, id). A plain foreign key would accept another tenant's row (measured)."""
    target = field.remote_field.model._meta
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{constraint_name(table, field.column)}" '
        f'FOREIGN KEY (site_id, "{field.column}") REFERENCES "{target.db_table}" (site_id, "{target.pk.column}")'
    )
