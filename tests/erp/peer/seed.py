"""Fills an empty Tryton database with a small pump plant. Runs inside the peer's own environment, never imported.

python seed.py CONFIGURATION DATABASE-URI
"""

import sys
from decimal import Decimal

from proteus import Model, Wizard
from proteus import config as proteus_config

GROUPS = [
    "Production",
    "Production Administration",
    "Stock",
    "Stock Administration",
    "Stock Force Assignment",
    "Product Administration",
    "Timesheet Administration",
]


def main(configuration: str, uri: str) -> None:
    session = proteus_config.set_trytond(uri, user="admin", config_file=configuration)
    make_company()
    session._context = Model.get("res.user").get_preferences(True, {})
    make_user("mes", "mes-for-tests-only", GROUPS)
    make_user("reader", "reader-for-tests-only", ["Stock"])
    make_plant()


def make_company() -> None:
    currency = Model.get("currency.currency")(name="US Dollar", code="USD", symbol="$")
    currency.save()
    Model.get("currency.currency.rate")(rate=Decimal(1), currency=currency).save()
    party = Model.get("party.party")(name="Acme Works")
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party, wizard.form.currency = party, currency
    wizard.execute("add")


def make_user(login: str, password: str, groups: list[str]) -> None:
    (company,) = Model.get("company.company").find()
    party = Model.get("party.party")(name=f"Gateway {login}")
    party.save()
    employee = Model.get("company.employee")(party=party, company=company)
    employee.save()
    (company,) = Model.get("company.company").find()
    user = Model.get("res.user")(name=f"Gateway {login}", login=login, password=password)
    user.companies.append(company)
    user.company = company
    user.employees.append(employee)
    user.employee = employee
    for group in Model.get("res.group").find([("name", "in", groups)]):
        user.groups.append(group)
    user.save()


def make_item(code: str, name: str, unit: object, cost: str, *, producible: bool = False, lot: bool = False) -> object:
    template = Model.get("product.template")(
        name=name, default_uom=unit, type="goods", code=code, producible=producible, list_price=Decimal(cost)
    )
    if lot:
        template.lot_required = ["storage"]
    (product,) = template.products
    product.cost_price = Decimal(cost)
    template.save()
    return template.products[0]


def make_plant() -> None:
    find_unit = Model.get("product.uom").find
    (piece,) = find_unit([("symbol", "=", "u")])
    (kilo,) = find_unit([("symbol", "=", "kg")])
    pump = make_item("FG-100", "Pump, assembled", piece, "120", producible=True, lot=True)
    housing = make_item("RM-HOUS", "Housing casting", piece, "20", lot=True)
    seal = make_item("RM-SEAL", "Seal kit", piece, "4")
    resin = make_item("RM-RESIN", "Potting resin", kilo, "9", lot=True)
    make_item("FG-200", "Pump, not yet engineered", piece, "150", producible=True, lot=True)
    make_item("RM-SPARE", "Seal kit, substitute", piece, "5")

    find_location = Model.get("stock.location").find
    (storage,) = find_location([("code", "=", "STO")])
    (warehouse,) = find_location([("code", "=", "WH")])
    (lost,) = find_location([("type", "=", "lost_found")], limit=1)
    warehouse.waste_locations.append(lost)
    warehouse.save()

    make_lot = Model.get("stock.lot")
    lots = {
        number: make_lot(number=number, product=product)
        for number, product in [("H-2026-01", housing), ("H-2026-02", housing), ("R-77", resin)]
    }
    make_lot.save(list(lots.values()))
    inventory = Model.get("stock.inventory")(location=storage)
    for product, number, quantity in [
        (housing, "H-2026-01", 6000),
        (housing, "H-2026-02", 6000),
        (seal, None, 50000),
        (resin, "R-77", 8000),
    ]:
        line = inventory.lines.new()
        line.product, line.lot, line.quantity = product, lots.get(number), quantity
    inventory.save()
    inventory.click("confirm")

    bom = Model.get("production.bom")(name="FG-100 rev A", code="FG-100-A", tolerance=0.5)
    for product, quantity, unit in [(housing, 1, piece), (seal, 2, piece), (resin, 0.25, kilo)]:
        line = bom.inputs.new()
        line.product, line.quantity, line.unit = product, quantity, unit
    made = bom.outputs.new()
    made.product, made.quantity, made.unit = pump, 1, piece
    bom.save()

    make_category, make_center = Model.get("production.work.center.category"), Model.get("production.work.center")
    categories = {name: make_category(name=name) for name in ("Assembly", "Test")}
    make_category.save(list(categories.values()))
    plant = make_center(name="Plant 1")
    plant.save()
    for name, cost in (("Assembly", "40"), ("Test", "60")):
        make_center(
            name=f"{name} cell 1", parent=plant, category=categories[name], cost_price=Decimal(cost), cost_method="hour"
        ).save()
    make_operation = Model.get("production.routing.operation")
    operations = [
        make_operation(name=name, work_center_category=categories[category], timesheet_available=True)
        for name, category in (("10 Assemble", "Assembly"), ("20 Pressure test", "Test"))
    ]
    make_operation.save(operations)
    routing = Model.get("production.routing")(name="FG-100 routing")
    routing.boms.append(bom)
    for index, operation in enumerate(operations):
        routing.steps.new(operation=operation, sequence=(index + 1) * 10)
    routing.save()
    pump.boms.append(Model.get("product.product-production.bom")(bom=bom, routing=routing))
    pump.save()

    for index, quantity in enumerate((10, 4, 25)):
        order = Model.get("production")(
            product=pump, bom=bom, routing=routing, work_center=plant, quantity=quantity, reference=f"SO-10{index + 1}"
        )
        order.click("wait")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
