"""Which drivers there are, by slug. Another package adds one through the entry-point group `mes.drivers`."""

import functools
from importlib.metadata import entry_points

from devices.drivers.base import Driver
from devices.drivers.modbus_tcp import ModbusTcp

API_VERSION = 1


class UnknownDriver(Exception):
    """No driver of this name is installed, or it speaks another version of the interface."""


@functools.cache
def drivers() -> dict[str, type[Driver]]:
    """Every installed driver that speaks our version of the interface."""
    found: dict[str, type[Driver]] = {ModbusTcp.slug: ModbusTcp}
    for entry in entry_points(group="mes.drivers"):
        driver = entry.load()
        if getattr(driver, "api_version", None) == API_VERSION:
            found.setdefault(entry.name, driver)
    return found


def driver_class(slug: str) -> type[Driver]:
    """The driver of this slug. Raises `UnknownDriver`."""
    try:
        return drivers()[slug]
    except KeyError:
        raise UnknownDriver(slug) from None
