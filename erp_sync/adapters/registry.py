"""Which adapters exist: built-in ones by dotted path, others through the entry points group `mes.erp_adapters`."""

from importlib import import_module
from importlib.metadata import entry_points

from erp_sync.adapters.base import ErpAdapter

GROUP = "mes.erp_adapters"

BUILT_IN = {
    "tryton": "erp_sync.adapters.tryton:TrytonAdapter",
    "file": "erp_sync.adapters.file:FileAdapter",
    "recording": "erp_sync.adapters.recording:RecordingAdapter",
}


class UnknownAdapter(LookupError):
    """No adapter of that name is installed; the message lists those that are."""


def adapter_names() -> list[str]:
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def adapter_class(slug: str) -> type[ErpAdapter]:
    """The class behind a name. A built-in name cannot be taken over by an installed package."""
    path = BUILT_IN.get(slug)
    if path is not None:
        module, _, name = path.partition(":")
        found = getattr(import_module(module), name)
    else:
        points = [point for point in entry_points(group=GROUP) if point.name == slug]
        if not points:
            known = ", ".join(adapter_names())
            raise UnknownAdapter(f"There is no ERP adapter called {slug!r}. Installed are: {known}.")
        found = points[0].load()
    if not (isinstance(found, type) and issubclass(found, ErpAdapter)):
        raise UnknownAdapter(f"The ERP adapter {slug!r} is not a subclass of ErpAdapter.")
    return found
