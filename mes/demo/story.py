"""The state the demo plant is in when it opens: stock, thirty orders in all states, holds; and the weeks behind it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from erp_sync import credentials
from erp_sync.actions.connections import connect_erp
from mes.demo.work import Crew
from mes.execution.release import cancel_order, release_order
from mes.kernel.actors import Actor, system
from mes.kernel.scope import back_dating
from traceability.actions.lots import hold_lot, receive_lot
from traceability.models import MaterialLot
from workorders.actions.holds import place_hold
from workorders.actions.orders import close_order
from workorders.actions.receiving import import_orders
from workorders.models import Operation, Site, WorkOrder

#: Item, lots: number, quantity, unit quantity per lot; raw material first, then opening stock of made parts.
LOTS = [
    ("BLANK-32", ["B-2210", "B-2218"], "400"),
    ("BLANK-40", ["B-2291", "B-2307", "B-2315"], "500"),
    ("BLANK-50", ["B-2302", "B-2311"], "400"),
    ("CAST-40", ["G-0871", "G-0880"], "400"),
    ("CAST-50", ["G-0875", "G-0884"], "300"),
    ("BAR-22", ["S-1140", "S-1151"], "260"),
    ("BAR-28", ["S-1143", "S-1156"], "240"),
    ("PLATE-40", ["P-3307", "P-3312"], "500"),
    ("SEAL-22", ["DR-5501", "DR-5520"], "600"),
    ("SEAL-28", ["DR-5507", "DR-5523"], "500"),
    ("BEARING-22", ["KL-9081", "KL-9102"], "1200"),
    ("BEARING-28", ["KL-9085", "KL-9107"], "1000"),
    ("PAINT-RAL5010", ["L-4410", "L-4418"], "120"),
    ("IMP-40", ["5402", "5418"], "180"),
    ("IMP-50", ["5405", "5421"], "160"),
    ("HSG-40", ["5409", "5424"], "180"),
    ("HSG-50", ["5411", "5427"], "160"),
    ("SH-22", ["5413", "5430"], "200"),
    ("SH-28", ["5416", "5433"], "180"),
    ("CP-40", ["5419", "5436"], "220"),
]


@dataclass(frozen=True)
class Plan:
    """One demo order: what, how many, due in how many hours, released how many hours ago, and how far it has come.

    `done` counts finished operations; `share` is how much of the next one is made (0 leaves it in the queue).
    """

    number: str
    item: str
    quantity: int
    due: float
    routing: str = "A"
    released: float | None = None
    done: int = 0
    share: float = 0.0
    after: str = ""


PRESENT = [
    Plan("5470", "PA-40", 24, -30, released=58, done=3, after="close"),
    Plan("5472", "PA-50", 16, -20, released=52, done=3, after="close"),
    Plan("5476", "HSG-50", 30, -4, released=46, done=4),
    Plan("5481", "IMP-32", 40, 2, released=44, done=5),
    Plan("5484", "SH-28", 60, 5, released=40, done=2),
    Plan("5488", "CP-40", 80, 8, released=36, done=2),
    Plan("5489", "PA-40", 30, 6, "B", released=20, done=0, share=0.45),
    Plan("5493", "HSG-40", 40, 9, released=22, done=1, share=0.35),
    Plan("5497", "IMP-50", 50, 12, released=26, done=4, share=0.5),
    Plan("5498", "IMP-50", 60, -3, released=18, done=1, share=0.3),
    Plan("5503", "SH-22", 80, 16, released=15, done=0, share=0.57),
    Plan("5507", "HSG-40", 36, 11, "B", released=14, done=0, share=0.41),
    Plan("5510", "IMP-32", 60, 20, "B", released=16, done=1, share=0.62),
    Plan("5512", "HSG-50", 24, 26, released=12, done=2, share=0.3),
    Plan("5515", "PA-50", 20, 4, released=13, done=1, share=0.6),
    Plan("5519", "IMP-40", 70, 24, "B", released=10, done=1, share=0.8),
    Plan("5521", "IMP-40", 100, 14, released=11, done=1, share=0.75),
    Plan("5524", "SH-28", 50, 30, released=7, done=0, share=0.12),
    Plan("5525", "CP-40", 90, 34, released=6, done=0, share=0.25),
    Plan("5528", "PA-40", 40, 38, released=5, done=0, share=0.2),
    Plan("5530", "IMP-40", 60, 22, released=5),
    Plan("5532", "HSG-40", 30, 40, released=4),
    Plan("5534", "CP-40", 120, 44, released=4),
    Plan("5537", "SH-22", 60, 36, released=3),
    Plan("5541", "IMP-32", 80, 46, released=3, after="hold"),
    Plan("5544", "PA-50", 24, 50, released=2),
    Plan("5546", "IMP-40", 50, 60, "B", released=2),
    Plan("5548", "PA-40", 36, 72),
    Plan("5551", "HSG-50", 40, 80),
    Plan("5554", "SH-22", 100, 96),
    Plan("5557", "IMP-50", 60, 110, "C"),
    Plan("5559", "PA-50", 30, 120, "X"),
    Plan("5560", "IMP-32", 20, 90, released=8, after="cancel"),
]


def load_present(site: Site) -> int:
    """Stock and the orders of today, worked on up to now. Does nothing where orders exist. Returns how many it made."""
    if WorkOrder.objects.filter(site=site).exists():
        return 0
    actor, crew, now = system(site.pk, "demo"), Crew(site, seed=5521), timezone.now()
    _connect(actor)
    with back_dating():
        _stock(actor, now)
        for place, plan in enumerate(PRESENT):
            _play(plan, place, actor, crew, now)
        lot = MaterialLot.objects.get(item__site=site, number="B-2291")
        hold_lot(actor=actor, lot_id=lot.pk, reason="QUALITY", note="Rim cracks, NCR-118", command_id=uuid4())
    return len(PRESENT)


def _connect(actor: Actor) -> None:
    """An ERP that writes down what it is told of the demo orders, and of no others."""
    connect_erp(
        actor=actor,
        name="Demo ledger",
        adapter="recording",
        settings={"path": str(settings.VAR_DIR / "erp-ledger.jsonl"), "sources": ["demo"]},
        sealed=credentials.seal({}).decode(),
        command_id=uuid4(),
    )


def _stock(actor: Actor, now: datetime) -> None:
    rows = [
        {
            "item": item,
            "number": number,
            "quantity": quantity,
            "location": "STORE",
            "supplier_lot": f"{number}-S{place}",
            "expiry": (now + timedelta(days=300)).date().isoformat() if item.startswith("PAINT") else None,
        }
        for item, numbers, quantity in LOTS
        for place, number in enumerate(numbers, 1)
    ]
    results = receive_lot(actor=actor, rows=rows, at=now - timedelta(days=6), command_id=uuid4())
    rejected = [result.errors for result in results.rows if result.errors]
    if rejected:
        raise RuntimeError(f"The demo stock is refused: {rejected}")


def receive(plan: Plan, place: int, actor: Actor, now: datetime) -> WorkOrder:
    """The order as planning sends it."""
    row = {
        "number": plan.number,
        "item": plan.item,
        "quantity": str(plan.quantity),
        "need_date": (now + timedelta(hours=plan.due)).isoformat(),
        "customer_order": f"SO-{1200 + place * 3}",
        "priority": 5 - place % 3,
        "over_percent": "5",
        "routing": plan.routing,
    }
    results = import_orders(actor=actor, rows=[row], source="demo", command_id=uuid4())
    if results.rows[0].errors:
        raise RuntimeError(f"Demo order {plan.number} is refused: {results.rows[0].errors}")
    return WorkOrder.objects.get(site_id=actor.site_id, number=plan.number)


def _play(plan: Plan, place: int, actor: Actor, crew: Crew, now: datetime) -> None:
    order = receive(plan, place, actor, now)
    if plan.released is None:
        return
    released = now - timedelta(hours=plan.released)
    release_order(actor=actor, order_id=order.pk, at=released, command_id=uuid4())
    operations = list(Operation.objects.filter(order=order).select_related("work_center").order_by("sequence"))
    upto = plan.done + (1 if plan.share else 0)
    crew.make(operations[:upto], released + timedelta(minutes=20), plan.share or 1.0)
    if plan.after == "close":
        close_order(actor=actor, order_id=order.pk, note="Posted", command_id=uuid4())
    elif plan.after == "cancel":
        cancel_order(actor=actor, order_id=order.pk, reason="CUSTOMER", command_id=uuid4())
    elif plan.after == "hold":
        place_hold(
            actor=actor,
            target="order",
            target_id=order.pk,
            reason="CUSTOMER",
            note="Drawing change expected",
            command_id=uuid4(),
        )


def load_history(site: Site, days: int = 10, per_day: int = 4) -> None:
    """Finished and closed orders of the days behind, one after the other; meant to run beside the living plant."""
    actor, now = system(site.pk, "demo"), timezone.now()
    crew, dice = Crew(site, seed=1), random.Random(7)  # noqa: S311 - a believable plant, not a secret
    made = ["SH-22", "SH-28", "CP-40", "HSG-40", "HSG-50", "IMP-32", "IMP-40", "IMP-50"]
    for day in range(days, 0, -1):
        for turn in range(per_day):
            number = f"5{400 - day * per_day + turn - 40}"
            if WorkOrder.objects.filter(site=site, number=number).exists():
                continue
            begin = now - timedelta(days=day, hours=dice.uniform(0, 10))
            item = made[(day * per_day + turn) % len(made)]
            plan = Plan(number, item, dice.choice([12, 16, 20, 24]), 0, released=0)
            _past_order(plan, day * per_day + turn, actor, crew, begin)


def _past_order(plan: Plan, place: int, actor: Actor, crew: Crew, begin: datetime) -> None:
    with back_dating():
        _replenish(plan, actor, begin)
        order = receive(plan, place, actor, begin + timedelta(hours=18))
        release_order(actor=actor, order_id=order.pk, at=begin, command_id=uuid4())
        operations = list(Operation.objects.filter(order=order).select_related("work_center").order_by("sequence"))
        end = crew.make(operations, begin + timedelta(minutes=15))
        order.refresh_from_db()
        if order.state == "DONE":
            close_order(actor=actor, order_id=order.pk, note="Posted", at=end, command_id=uuid4())


def _replenish(plan: Plan, actor: Actor, at: datetime) -> None:
    """Each past order brought its own raw material, so that today's stock stays as it is."""
    from mes.demo.catalog import BOMS

    rows = [
        {
            "item": component,
            "number": f"{component.split('-')[0][:2]}{plan.number}",
            "quantity": str(round(float(per) * plan.quantity + 1, 3)).removesuffix(".0"),
            "location": "STORE",
        }
        for component, per, _operation in BOMS[plan.item]
    ]
    receive_lot(actor=actor, rows=rows, at=at, command_id=uuid4())


def demo_site() -> Site | None:
    from mes.demo.catalog import SITE

    return Site.objects.filter(code=SITE[0]).first()
