"""Whose rows a scope covers (spec: settled.md "Who may").

A department covers its members and those of the departments below it. What other kinds of scope cover is known by the app that
keeps them: `register("enterprise", "apps.accounts.enterprises")` names a module with two functions,

    users_of(ids) -> a queryset of the ids of the users they cover, for a subquery
    names_of(ids) -> {id: name} of those that exist at the present site
"""

from collections.abc import Collection
from importlib import import_module
from typing import Any
from uuid import UUID

from apps.rbac.models import Scope

_modules: dict[str, str] = {Scope.DEPARTMENT.value: "apps.rbac.departments"}


def register(kind: str, module: str) -> None:
    _modules[kind] = module


def targeted(kind: str) -> bool:
    """Does a scope of this kind name something?"""
    return kind in (Scope.DEPARTMENT, Scope.ENTERPRISE)


def users_of(kind: str, ids: Collection[UUID]) -> Any:
    """A queryset of user ids."""
    return import_module(_modules[kind]).users_of(ids)


def names_of(kind: str, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the ids stand for, without those that don't exist here. One query, none for no ids."""
    found: dict[UUID, str] = import_module(_modules[kind]).names_of(ids) if ids else {}
    return found


def exists(kind: str, target: UUID) -> bool:
    return target in names_of(kind, [target])
