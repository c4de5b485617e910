"""How a store's tables come to be, and to be changed, version by version (alembic)."""
