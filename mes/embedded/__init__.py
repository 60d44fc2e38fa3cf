"""Start and stop the PostgreSQL and Valkey programs that two wheels carry. Knows no Django; `up`, `manage` and the tests use it."""

from mes.embedded.postgres import Postgres
from mes.embedded.programs import ProgramMissing
from mes.embedded.valkey import Valkey

__all__ = ["Postgres", "ProgramMissing", "Valkey"]
