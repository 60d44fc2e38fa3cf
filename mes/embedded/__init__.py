"""Start and stop the PostgreSQL and Valkey programs that two wheels carry. Knows neither Django nor the supervisor."""

from mes.embedded.postgres import Postgres
from mes.embedded.programs import ProgramMissing
from mes.embedded.valkey import Valkey

__all__ = ["Postgres", "ProgramMissing", "Valkey"]
