"""What this adapter needs of a Tryton server: fields, and rights of its user; and how to find out what is lacking."""

from collections.abc import Iterator
from contextlib import contextmanager

from erp_sync.adapters.errors import AuthDenied, ContractError, Locked, Rejected
from erp_sync.adapters.tryton.client import Crashed, Refused, TrytonClient

READ_FIELDS = {
    "product.uom": ["symbol", "name", "category", "factor", "rate", "digits", "active"],
    "product.product": ["code", "name", "template", "default_uom", "type", "producible", "lot_required", "active"],
    "production.work.center": ["name", "parent", "children", "category", "active"],
    "production.bom": ["name", "code", "inputs", "outputs", "active"],
    "production.routing": ["name", "boms", "steps", "active"],
    "product.product-production.bom": ["product", "bom", "routing"],
    "stock.lot": ["number", "product", "quantity"],
    "stock.location": ["code", "name", "type", "waste_warehouses", "storage_location", "production_location"],
    "production": [
        "number",
        "reference",
        "state",
        "product",
        "quantity",
        "unit",
        "bom",
        "routing",
        "planned_date",
        "planned_start_date",
        "company",
        "location",
        "warehouse",
        "inputs",
        "outputs",
        "works",
    ],
    "stock.move": ["product", "lot", "quantity", "unit", "state", "from_location", "to_location", "production_output"],
    "production.work": ["sequence", "operation", "work_center", "cycles", "state"],
    "production.work.cycle": ["work", "state", "duration"],
}

WRITE_RIGHTS = {
    "production": ("read", "write"),
    "stock.move": ("read", "write", "create", "delete"),
    "stock.lot": ("read", "create"),
    "production.work": ("read", "write"),
    "production.work.cycle": ("read", "write", "create"),
}


def missing_fields(client: TrytonClient) -> list[str]:
    """Names of models and fields that the server does not have: another version, or a module that is not activated."""
    lacking: list[str] = []
    for model, fields in READ_FIELDS.items():
        try:
            known = client.read(model, "fields_get", fields)
        except Crashed:
            lacking.append(model)
            continue
        lacking += [f"{model}.{name}" for name in fields if name not in known]
    return lacking


def missing_rights(client: TrytonClient) -> list[str]:
    """What our user may not do, in words; the server's refusals do not say it in a form that can be relied upon."""
    models = sorted({*READ_FIELDS, *WRITE_RIGHTS})
    access = client.read("ir.model.access", "get_access", models)
    return [
        f"{right} {model}"
        for model in models
        for right in WRITE_RIGHTS.get(model, ("read",))
        if not access.get(model, {}).get(right)
    ]


@contextmanager
def explained(client: TrytonClient) -> Iterator[None]:
    """Turns the server's unnamed failures and refusals into what they mean, after a look at fields and rights."""
    try:
        yield
    except Crashed as crash:
        lacking = missing_fields(client)
        if lacking:
            raise ContractError(f"The ERP has not what this adapter uses: {', '.join(lacking)}.") from crash
        raise Locked(f"The ERP failed inside and undid the step: {crash.text}.") from crash
    except Refused as refusal:
        require_rights(client)
        raise Rejected("erp_rule", f"The ERP refuses: {refusal.text}") from refusal


def require_rights(client: TrytonClient) -> None:
    lacking = missing_rights(client)
    if lacking:
        raise AuthDenied(f"The ERP's user for this system lacks rights: {', '.join(lacking)}.")
