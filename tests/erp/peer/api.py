"""Tryton's own API in the hands of a test: arranges orders and stock, and says what the ERP really holds.

Written apart from the product's client on purpose: a mistake there must not hide itself here.
"""

import base64
from datetime import timedelta
from typing import Any

import httpx

DATABASE = "erp"


class PeerApi:
    def __init__(self, url: str, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._number = 0
        self._context: dict[str, Any] = {}
        user_id, token, *_ = self._post("common.db.login", [user, {"password": password}, "en"])
        credentials = base64.b64encode(f"{user}:{user_id}:{token}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {credentials}"
        self._context = self("res.user", "get_preferences", True)
        if not self._context.get("company"):
            self._context |= {"company": 1, "companies": [1]}

    def close(self) -> None:
        self._http.close()

    def _post(self, method: str, params: list[Any]) -> Any:
        self._number += 1
        answer = self._http.post(f"/{DATABASE}/rpc/", json={"id": self._number, "method": method, "params": params})
        if answer.status_code != 200:
            raise RuntimeError(f"{method}: HTTP {answer.status_code}")
        body = answer.json()
        if "error" in body:
            raise RuntimeError(f"{method}: {body['error']}")
        return body["result"]

    def __call__(self, model: str, method: str, *params: Any) -> Any:
        return self._post(f"model.{model}.{method}", [*params, self._context])

    def find(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        rows = self(model, "search_read", domain, 0, None, [["id", "ASC"]], list(fields))
        return list(rows)

    def id_of(self, model: str, field: str, value: Any) -> int:
        (row,) = self.find(model, [[field, "=", value]], "id")
        return int(row["id"])

    # ----------------------------------------------------------------------------------------------------- arranging

    def make_order(
        self, quantity: float = 10, *, item: str = "FG-100", planned: bool = True, **changes: Any
    ) -> "PeerOrder":
        """A released production order, as a planner's client would make it from the BOM of FG-100."""
        piece, kilo = self.id_of("product.uom", "symbol", "u"), self.id_of("product.uom", "symbol", "kg")
        products = {row["code"]: row["id"] for row in self.find("product.product", [], "code")}
        places = {row["code"]: row["id"] for row in self.find("stock.location", [["code", "!=", None]], "code")}
        needs = [("RM-HOUS", quantity, piece), ("RM-SEAL", 2 * quantity, piece), ("RM-RESIN", quantity / 4, kilo)]
        company = self._context["company"]
        inputs = [
            {
                "product": products[code],
                "quantity": need,
                "unit": unit,
                "from_location": places["STO"],
                "to_location": places["PROD"],
                "company": company,
            }
            for code, need, unit in needs
        ]
        output = {
            "product": products[item],
            "quantity": quantity,
            "unit": piece,
            "from_location": places["PROD"],
            "to_location": places["STO"],
            "company": company,
            "currency": self.id_of("currency.currency", "code", "USD"),
            "unit_price": {"__class__": "Decimal", "decimal": "0"},
        }
        values = {
            "product": products[item],
            "bom": self.id_of("production.bom", "code", "FG-100-A"),
            "routing": self.id_of("production.routing", "name", "FG-100 routing"),
            "work_center": self.id_of("production.work.center", "name", "Plant 1"),
            "quantity": quantity,
            "unit": piece,
            "company": company,
            "warehouse": places["WH"],
            "location": places["PROD"],
            "inputs": [["create", inputs]],
            "outputs": [["create", [output]]],
        }
        (order,) = self("production", "create", [values | changes])
        if planned:
            self("production", "wait", [order])
        return PeerOrder(self, order)

    def make_lot(self, number: str, item: str) -> int:
        (lot,) = self(
            "stock.lot", "create", [{"number": number, "product": self.id_of("product.product", "code", item)}]
        )
        return int(lot)

    def lots(self, number: str) -> list[dict[str, Any]]:
        return self.find("stock.lot", [["number", "=", number]], "number", "product.code")


class PeerOrder:
    """One production order as Tryton shows it."""

    def __init__(self, api: PeerApi, key: int) -> None:
        self.api = api
        self.id = key
        self.key = str(key)
        self.number = str(api.find("production", [["id", "=", key]], "number")[0]["number"] or "")

    @property
    def state(self) -> str:
        return str(self.api.find("production", [["id", "=", self.id]], "state")[0]["state"])

    def consumed(self) -> dict[tuple[str, str | None], float]:
        return self._moves("production_input")

    def good(self) -> dict[tuple[str, str | None], float]:
        return self._moves("production_output", ["to_location.type", "!=", "lost_found"])

    def scrapped(self) -> dict[tuple[str, str | None], float]:
        return self._moves("production_output", ["to_location.type", "=", "lost_found"])

    def _moves(self, side: str, *also: Any) -> dict[tuple[str, str | None], float]:
        rows = self.api.find(
            "stock.move", [[side, "=", self.id], *also], "product.code", "lot.number", "quantity", "state"
        )
        booked: dict[tuple[str, str | None], float] = {}
        for row in rows:
            assert row["state"] == "done", f"a move hangs in the state {row['state']}: {row}"
            key = (row["product."]["code"], row["lot."]["number"] if row["lot."] else None)
            assert key not in booked, f"two moves for {key}"
            booked[key] = row["quantity"]
        return booked

    def cycles(self) -> dict[str, list[tuple[str, timedelta | None]]]:
        """The cycles of each operation, each with its state and duration."""
        rows = self.api.find(
            "production.work.cycle", [["work.production", "=", self.id]], "work.operation.name", "state", "duration"
        )
        found: dict[str, list[tuple[str, timedelta | None]]] = {}
        for row in rows:
            name = row["work."]["operation."]["name"]
            took = timedelta(seconds=row["duration"]["seconds"]) if row["duration"] else None
            found.setdefault(name, []).append((row["state"], took))
        return found

    def traced_lots(self, number: str) -> set[str]:
        """The lots from which Tryton's own trace says the lot was made."""
        made = self.api.find("stock.lot.trace", [["lot.number", "=", number]], "downward_traces")
        ids = sorted({trace for row in made for trace in row["downward_traces"]})
        return {row["lot."]["number"] for row in self.api.find("stock.lot.trace", [["id", "in", ids]], "lot.number")}
