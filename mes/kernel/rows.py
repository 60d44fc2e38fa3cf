"""Model rows read by SQL of our own, for the few statements that every completion runs. Elsewhere the ORM reads.

The ORM writes such a statement anew each time, which costs more than the database needs to answer it.
"""

from collections.abc import Collection
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, models

Row = TypeVar("Row", bound=models.Model)


class Columns(Generic[Row]):
    """The columns of MODEL under the alias ALIAS, and the way back from their values to an instance.

    Fields in WITHOUT are read from the database only when somebody asks for them.
    """

    def __init__(self, model: type[Row], alias: str, without: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if field.name not in without]
        self.model = model
        self.names = [field.attname for field in fields]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.width = len(fields)

    def make(self, values: tuple[Any, ...], start: int = 0) -> Row:
        """The instance whose columns begin at START of VALUES."""
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values[start : start + self.width])
