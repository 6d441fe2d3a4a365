from django.urls import path

from apps.rbac.api import assignments, departments, roles

urlpatterns = [
    path("roles", roles.RoleListView.as_view(), name="roles"),
    path("roles/matrix", roles.MatrixView.as_view(), name="roles-matrix"),
    path("roles/<uuid:pk>", roles.RoleView.as_view(), name="role"),
    path("roles/<uuid:pk>/permissions", roles.RolePermissionsView.as_view(), name="role-permissions"),
    path("roles/<uuid:pk>/permissions/<str:key>", roles.RolePermissionView.as_view(), name="role-permission"),
    path("permissions", roles.PermissionListView.as_view(), name="permissions"),
    path("users/<uuid:pk>/roles", assignments.UserRolesView.as_view(), name="user-roles"),
    path("users/<uuid:pk>/roles/<uuid:user_role_id>", assignments.UserRoleView.as_view(), name="user-role"),
    path("departments", departments.DepartmentListView.as_view(), name="departments"),
    path("departments/<uuid:pk>", departments.DepartmentView.as_view(), name="department"),
    path("departments/<uuid:pk>/members", departments.MemberListView.as_view(), name="department-members"),
    path("departments/<uuid:pk>/members/<uuid:member_id>", departments.MemberView.as_view(), name="department-member"),
]
