"""Row level security: roles, migration operations, and the catalogue that proves them."""
