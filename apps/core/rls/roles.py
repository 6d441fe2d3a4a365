"""The database roles, and what each is for. Names are fixed: policies in migrations spell them out."""

OWNER = "upline_owner"  # owns every table and runs migrations; sees no row unless app.maintenance is on
APP = "upline_app"  # web and workers; owns nothing, bound by every policy
AUDIT = "upline_audit"  # cross-site views; SELECT only, read-only by default
GUARD = "upline_guard"  # NOLOGIN; owns the SECURITY DEFINER functions that keep invariants

CURRENT_SITE = "(SELECT current_site())"  # in a sub-select, so that it is evaluated once per statement
READABLE_SITES = "(SELECT readable_sites())::uuid[]"  # what the audit role reads: one site where one is set, else all
