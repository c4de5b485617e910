"""Of each week its devices are kept in short, too, and which version worked them out; all of it is worked out anew."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of weeks again."""
    op.drop_table("weeks")
    op.create_table(
        "weeks",
        sa.Column("monday", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("statuses", sa.Text, nullable=False),
        sa.Column("sessions", sa.BigInteger, nullable=False),
        sa.Column("roster", sa.LargeBinary),
    )
