"""Items as the contract shows them."""

from typing import Any

from mes.api.numbers import address
from workorders.models import Item


def item_body(item: Item) -> dict[str, Any]:
    return {
        "id": item.pk,
        "code": item.code,
        "url": address("items", item.pk, item.code),
        "name": item.name,
        "unit": item.unit.code,
        "tracking": item.tracking,
        "over_percent": item.over_percent,
        "phantom": item.is_phantom,
        "active": item.is_active,
    }
