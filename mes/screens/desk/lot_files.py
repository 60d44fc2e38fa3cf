"""The columns of a file of received lots. How any table is read is in `table_files.py`."""

from mes.screens.desk.table_files import FileRow, Layout, read_table

#: The fields of a received lot, as the API names them.
COLUMNS = ("item", "number", "quantity", "unit", "location", "expiry", "supplier_lot")
LOTS = Layout(COLUMNS, needed=("item", "number", "quantity"), decimals=("quantity",))


def read_lots(content: bytes) -> list[FileRow]:
    """The rows of a file of lots. Raises `Unreadable`."""
    return read_table(content, LOTS)
