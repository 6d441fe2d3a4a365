"""Departments, roles, and who holds them."""

from apps.backoffice.admin.rbac import assignments, departments, roles

__all__ = ["assignments", "departments", "roles"]
