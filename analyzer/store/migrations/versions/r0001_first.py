"""The first schema. Migrations stand for themselves: they must do the same whatever becomes of the tables later."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "inputs",
        sa.Column("sensor", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.Boolean, nullable=False),
        sa.Column("identity", sa.Text),
    )
    op.create_index("ix_inputs_identity", "inputs", ["identity"])
    op.create_table(
        "clients",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ip", sa.String(64), nullable=False, unique=True),
        sa.Column("first", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.String(32), nullable=False, unique=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("mail", sa.Boolean, nullable=False),
        sa.Column("unknown", sa.Boolean, nullable=False),
        sa.Column("reduced", sa.Boolean, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", _ROW, primary_key=True),
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("client_id", sa.Integer, nullable=False),
        sa.Column("client_port", sa.Integer, nullable=False),
        sa.Column("facts_id", sa.Integer, nullable=False),
        sa.Column("serial", sa.BigInteger),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("gapped", sa.Boolean, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("counts", sa.Boolean, nullable=False),
    )
    op.create_index("sessions_by_endpoints", "sessions", ["key", "start"])
    op.create_index("sessions_by_day", "sessions", ["day", "client_id"])
    op.create_table(
        "aggregates",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("client_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("facts_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sessions", sa.Integer, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("complete", sa.Integer, nullable=False),
        sa.Column("gapped", sa.Integer, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "weeks",
        sa.Column("monday", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("devices", sa.Integer, nullable=False),
        sa.Column("statuses", sa.Text, nullable=False),
        sa.Column("sessions", sa.BigInteger, nullable=False),
    )
