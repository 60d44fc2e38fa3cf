"""Items: the list with its search, and the page of one with its bills of materials, routings, use and history."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act, Field, who_may
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.pages import done, in_path, is_sane_id, refusal_context, site_of, without
from mes.screens.settings.frame import YES_NO, Cell, in_use, page, panel, role_may, searched, typed_of, whole
from mes.screens.settings.history import history
from workorders.actions.masterdata import activate_version, save_item
from workorders.models import BillOfMaterials, BomLine, Item, Routing, Site, UnitOfMeasure, WorkOrder

PATH = "/settings/items/"
PAGE = 100
USED_SHOWN = 20
TRACKING = (
    (Item.LOT, gettext_lazy("By lot")),
    (Item.SERIAL, gettext_lazy("By serial number")),
    (Item.NONE, gettext_lazy("Not tracked")),
)
_VERSIONS: dict[str, Any] = {"bom": BillOfMaterials, "routing": Routing}


def item_url(item: Item) -> str:
    return f"{PATH}{in_path(item.code, item.pk)}/"


def item_at(site: Site, code: str) -> Item | None:
    """The item of an address: by its code, or `~ID`."""
    rows = Item.objects.filter(site=site).select_related("unit")
    if code.startswith("~"):
        pk = whole(code[1:])
        return rows.filter(pk=pk).first() if pk else None
    return rows.filter(code=code).first() if code.isprintable() else None


def _act(item: Item | None) -> Act:
    units = tuple((code, code) for code in UnitOfMeasure.objects.order_by("code").values_list("code", flat=True)[:200])
    code = Field("code", gettext_lazy("Code"), required=True, hint=gettext_lazy("Unique and printed; it stays."))
    fields = (
        *(() if item else (code,)),
        Field("name", gettext_lazy("Name")),
        Field("unit", gettext_lazy("Unit"), "choice", required=True, choices=units)
        if units
        else Field("unit", gettext_lazy("Unit"), required=True, hint=gettext_lazy("Such as pc, kg or m.")),
        Field("tracking", gettext_lazy("Tracked"), "choice", required=True, choices=TRACKING, value=Item.LOT),
        Field(
            "over_percent",
            gettext_lazy("More may be made"),
            "number",
            unit="%",
            hint=gettext_lazy("Beyond the ordered quantity."),
        ),
        Field(
            "phantom",
            gettext_lazy("Phantom"),
            "choice",
            required=True,
            choices=YES_NO,
            value="no",
            hint=gettext_lazy("Never made by itself: its components are drawn instead."),
        ),
        Field("active", gettext_lazy("In use"), "choice", required=True, choices=YES_NO, value="yes"),
    )
    if item is None:
        return Act("add", gettext_lazy("Add an item"), "plus", "save_item", fields=fields)
    title = _("Change {what}").format(what=item.code)
    return Act("change", gettext_lazy("Save"), "check", "save_item", title=title, fields=fields)


@allows("view_master_data")
@require_http_methods(["GET", "HEAD", "POST"])
def items_page(request: HttpRequest) -> HttpResponse:
    """The items of the plant. `?q=` searches, `?act=add` opens the form; a POST adds one and leads to its page."""
    site = site_of(request)
    may_add = role_may(request, "save_item")
    opened = _act(None) if request.GET.get("act") == "add" and may_add else None
    typed: dict[str, str] = {}
    refusal: Refused | None = None
    if request.method == "POST":
        opened = _act(None)
        typed = typed_of(opened, request.POST)
        try:
            made = save_item(actor=actor_of(request), row=typed, command_id=is_sane_id(request.POST.get("command_id")))
        except Refused as refused:
            refusal = refused
        else:
            pk = made["id"] if isinstance(made, dict) else made.pk
            text = _("Item {code} is made. Now say what it takes and by which steps.").format(code=typed["code"])
            return done(request, text, f"{PATH}~{pk}/")
    search, start = searched(request), whole(request.GET.get("from")) or 0
    rows = Item.objects.filter(site=site).select_related("unit")
    if search:
        rows = rows.filter(Q(code__icontains=search) | Q(name__icontains=search))
    for name, model in _VERSIONS.items():
        rows = rows.annotate(**{f"has_{name}": Exists(model.objects.filter(item=OuterRef("pk"), is_active=True))})
    found = list(rows.order_by("-is_active", "code")[start : start + PAGE + 1])
    shown = len(found[:PAGE])
    context = {
        "rows": [_cells(item) for item in found[:PAGE]],
        "search": search,
        "may_add": may_add,
        "who_may": "" if may_add else who_may("save_item"),
        "shown": ngettext("{count} item on this page.", "{count} items on this page.", shown).format(count=shown),
        "next_url": without(request, "act", **{"from": start + PAGE}) if len(found) > PAGE else "",
        "first_url": without(request, "act", "from") if start else "",
        "panel": panel(request, opened, typed, refusal) if opened else None,
    }
    return page(request, "desk/settings/items.html", context, refusal.status if refusal else 200)


def _cells(item: Any) -> list[Cell]:
    return [
        Cell(item.code, "id", url=item_url(item)),
        Cell(item.name),
        Cell(item.unit.code),
        Cell(dict(TRACKING)[item.tracking]),
        Cell(_("yes") if item.has_bom else "–"),
        Cell(_("yes") if item.has_routing else "–"),
        in_use(item.is_active),
    ]


@allows("view_master_data")
@require_http_methods(["GET", "HEAD", "POST"])
def item_page(request: HttpRequest, code: str) -> HttpResponse:
    """One item. `?act=change` opens its form, `?bom=`, `?routing=` show another version; a POST changes something."""
    site = site_of(request)
    item = item_at(site, code)
    if item is None:
        return nothing_here(request, _("There is no such item."), _("Search for it at Settings, Items."))
    opened = _act(item) if request.GET.get("act") == "change" and role_may(request, "save_item") else None
    typed = _values(item)
    refusal: Refused | None = None
    if request.method == "POST":
        key = request.POST.get("act", "")
        opened = _act(item) if key == "change" else None
        typed = typed_of(opened, request.POST) if opened else {}
        try:
            said = _do(request, item, key, typed)
        except Refused as refused:
            refusal = refused
        else:
            return done(request, said, item_url(item))
    boms, bom = _versions(request, item, "bom")
    routings, routing = _versions(request, item, "routing")
    context: dict[str, Any] = {
        "item": item,
        "tracking": dict(TRACKING)[item.tracking],
        "path": item_url(item),
        "may_change": role_may(request, "save_item"),
        "may_bom": role_may(request, "import_boms"),
        "may_routing": role_may(request, "import_routings"),
        "may_activate": role_may(request, "activate_version"),
        "boms": boms,
        "bom": bom,
        "bom_lines": list(bom.lines.select_related("item", "unit").order_by("operation", "id")) if bom else [],
        "routings": routings,
        "routing": routing,
        "steps": list(routing.steps.select_related("work_center")) if routing else [],
        "used_in": _used_in(item),
        "orders": list(WorkOrder.objects.filter(item=item).order_by("-pk")[:5]),
        "lines": history(
            f"item:{item.pk}", *(f"bom:{row.pk}" for row in boms), *(f"routing:{row.pk}" for row in routings)
        ),
        "panel": panel(request, opened, typed, refusal) if opened else None,
        "refusal": refusal_context(refusal) if refusal and opened is None else None,
    }
    return page(request, "desk/settings/item.html", context, refusal.status if refusal else 200)


def _values(item: Item) -> dict[str, str]:
    return {
        "name": item.name,
        "unit": item.unit.code,
        "tracking": item.tracking,
        "over_percent": f"{item.over_percent.normalize():f}",
        "phantom": "yes" if item.is_phantom else "no",
        "active": "yes" if item.is_active else "no",
    }


def _do(request: HttpRequest, item: Item, key: str, typed: dict[str, str]) -> str:
    actor, command_id = actor_of(request), is_sane_id(request.POST.get("command_id"))
    if key == "change":
        save_item(actor=actor, row=typed, pk=item.pk, command_id=command_id)
        return _("The change is saved.")
    kind, pk = request.POST.get("kind", ""), whole(request.POST.get("id"))
    activate_version(actor=actor, kind=kind[:20], pk=pk or 0, command_id=command_id)
    return _("Orders are planned by this version from now on. Released orders keep theirs.")


def _versions(request: HttpRequest, item: Item, kind: str) -> tuple[list[Any], Any]:
    """All versions, the latest first, and the one to be shown: the one asked for, else the active one."""
    rows = list(_VERSIONS[kind].objects.filter(item=item).order_by("-pk"))
    wanted = whole(request.GET.get(kind))
    shown = next((row for row in rows if row.pk == wanted), None) or next((row for row in rows if row.is_active), None)
    return rows, shown


def _used_in(item: Item) -> list[tuple[str, str]]:
    """The items whose active bill of materials takes this one, with their addresses."""
    lines = BomLine.objects.filter(item=item, bom__is_active=True).select_related("bom__item")
    return [(line.bom.item.code, item_url(line.bom.item)) for line in lines.order_by("bom__item__code")[:USED_SHOWN]]
