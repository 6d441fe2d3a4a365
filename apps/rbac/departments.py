"""Reads of the department tree. It has tens of departments, so its shape is read whole and walked here."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from apps.rbac.models import Department, DepartmentMember

Shape = Mapping[UUID, UUID | None]


def shape() -> Shape:
    """{department: the one above}, of the whole site. One query."""
    return dict(Department.objects.order_by().values_list("pk", "parent_id"))


def chain(node: UUID | None, parents: Shape) -> list[UUID]:
    """A node and all above it, nearest first. Ends at a loop, which the services never make."""
    found: list[UUID] = []
    while node is not None and node not in found:
        found.append(node)
        node = parents.get(node)
    return found


def below(ids: Collection[UUID], parents: Shape | None = None) -> set[UUID]:
    """These and all below them."""
    tree, wanted = shape() if parents is None else parents, set(ids)
    return {node for node in tree if not wanted.isdisjoint(chain(node, tree))}


def users_of(ids: Collection[UUID]) -> Any:
    """Members of these departments and of those below (apps.rbac.scopes)."""
    return DepartmentMember.objects.filter(department_id__in=below(ids)).order_by().values("user_id")


def names_of(ids: Iterable[UUID]) -> dict[UUID, str]:
    return dict(Department.objects.filter(pk__in=list(ids)).order_by().values_list("pk", "name"))
