"""The list of machines that are read, and the page of one: how it goes, its tags, a connection test, its forms."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from devices.actions.configure import add_device, add_tag, change_device, change_tag
from devices.collector.engine import connect
from devices.collector.setup import device_setup, tag_spec
from devices.drivers.base import Unreachable
from devices.drivers.decoding import previews, width
from devices.models import Device, Tag
from devices.queries.health import DeviceRow, device_rows, waiting_counts
from mes.accounts.policies import actor_of, allows, may
from mes.kernel.errors import Refused
from mes.screens.desk import device_forms, device_words
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.links import work_center_url
from mes.screens.desk.pages import done, is_sane_id, live_part, part_of, refusal_context, site_of

LIST = "/settings/devices/"


def _role(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", ""))


@allows("view_devices")
@require_safe
def devices_page(request: HttpRequest) -> HttpResponse:
    """Every machine with its health in words, how late it is polled, and what it said last."""
    site, now = site_of(request), timezone.now()
    rows = device_rows(site.pk)
    lines = [_line(row, now) for row in rows]
    need = sum(1 for line in lines if line["health"][0] in ("late", "risk", "ask"))
    context = {
        "site": site,
        "lines": lines,
        "lede": _lede(len(lines), need),
        "waiting": waiting_counts(site.pk),
        "may_add": may(_role(request), "add_device"),
        "topics": f"devices:{site.pk}",
    }
    if part_of(request, "list"):
        return live_part(request, "desk/devices.html#list", context)
    return render(request, "desk/devices.html", context)


def _lede(count: int, need: int) -> str:
    if not count:
        return _("No machine is read yet.")
    if need:
        return ngettext("{need} of {count} machine needs you.", "{need} of {count} machines need you.", count).format(
            need=need, count=count
        )
    return ngettext(
        "{count} machine is read, and it answers.", "{count} machines are read, and all answer.", count
    ).format(count=count)


def _line(row: DeviceRow, now: Any) -> dict[str, Any]:
    device, center = row.device, row.device.work_unit.work_center
    state = device_words.STATES[row.state.state] if row.state is not None else None
    values = [(each.tag.name, device_words.value(each)) for each in row.active_tags if each.tag.role != Tag.STATE]
    return {
        "id": device.pk,
        "name": device.name,
        "url": f"{LIST}{device.pk}/",
        "center": center.code,
        "center_url": work_center_url(center.code, center.pk),
        "unit": "" if device.work_unit.code == center.code else device.work_unit.code,
        "address": f"{device.host}:{device.port}",
        "modbus_unit": device.unit,
        "health": device_words.health(row, now),
        "heard": row.health.answered_at if row.health else None,
        "lag": device_words.lag(row),
        "state": (state[0], state[1]) if state else None,
        "since": row.state.span.lower if row.state is not None else None,
        "values": values[:3],
        "waiting": row.waiting,
    }


@allows("add_device")
@require_http_methods(["GET", "HEAD", "POST"])
def new_device_page(request: HttpRequest) -> HttpResponse:
    """A form for a machine that is not read yet."""
    site, refused = site_of(request), None
    if request.method == "POST":
        try:
            made = add_device(
                actor=actor_of(request),
                work_center=request.POST.get("work_center", ""),
                work_unit=request.POST.get("work_unit", "").strip(),
                fields=device_forms.typed(request.POST, device_forms.DEVICE),
                command_id=is_sane_id(request.POST.get("command_id")),
            )
            pk = made["id"] if isinstance(made, dict) else made.pk
            return done(request, _("The machine is added. Now say what is read."), f"{LIST}{pk}/?tag=new")
        except Refused as refusal:
            refused = refusal
    form = device_forms.device_form(site.pk, None, request.POST if refused else None)
    context = {"site": site, "form": form, "refusal": refusal_context(refused) if refused else None}
    return render(request, "desk/device_new.html", context, status=refused.status if refused else 200)


@allows("view_devices")
@require_http_methods(["GET", "HEAD", "POST"])
def device_page(request: HttpRequest, device_id: int) -> HttpResponse:
    """One machine. A POST changes it or a tag, tests the connection, or shows what lies at an address."""
    site = site_of(request)
    rows = device_rows(site.pk, device_id)
    if not rows:
        return nothing_here(request, _("This machine is not known here."), _("Choose one from the list."))
    row, refused = rows[0], None
    shown: dict[str, Any] = {}
    if request.method == "POST":
        try:
            answer = _carry_out(request, row, shown)
            if answer is not None:
                return answer
        except Refused as refusal:
            refused = refusal
    act = request.POST.get("act", "")
    context = {
        "site": site,
        **_content(row),
        **shown,
        "refusal": refusal_context(refused) if refused else None,
        "may_change": may(_role(request), "change_device"),
        "topics": f"devices:{site.pk}",
    }
    if part_of(request, "now"):
        return live_part(request, "desk/device.html#now", context)
    typed: QueryDict | None = request.POST if refused or shown.get("preview") else None
    context["form"] = device_forms.device_form(site.pk, row.device, typed if act == "device" else None)
    wanted = request.POST.get("tag") or request.GET.get("tag", "")
    tag = next((each.tag for each in row.tags if str(each.tag.pk) == wanted), None)
    if wanted == "new" or tag is not None:
        context["tag_form"] = device_forms.tag_form(site.pk, tag, typed if act in ("tag", "preview") else None)
    return render(request, "desk/device.html", context, status=refused.status if refused else 200)


def _content(row: DeviceRow) -> dict[str, Any]:
    now = timezone.now()
    line = _line(row, now)
    tags = [
        {
            "tag": each.tag,
            "role": device_words.ROLES[each.tag.role],
            "place": f"{device_words.TABLES[each.tag.table]} {each.tag.address}",
            "value": device_words.value(each),
            "at": each.last.at if each.last else None,
            "url": f"?tag={each.tag.pk}#tag",
        }
        for each in row.tags
    ]
    return {"row": row, "line": line, "device": row.device, "tags": tags, "url": line["url"]}


def _carry_out(request: HttpRequest, row: DeviceRow, shown: dict[str, Any]) -> HttpResponse | None:
    """Do what was asked for; what is only looked at goes to SHOWN and the page is drawn with it."""
    typed, device = request.POST, row.device
    act, actor = typed.get("act", ""), actor_of(request)
    command_id, url = is_sane_id(typed.get("command_id")), f"{LIST}{row.device.pk}/"
    if act in ("test", "preview"):
        if not may(actor.role, "change_device"):
            raise Refused("forbidden", role=actor.role, action="change_device")
        if act == "test":
            shown["steps"] = _test(device, row)
        else:
            shown["preview"] = _preview(device, typed)
        return None
    if act == "device":
        change_device(
            actor=actor,
            device_id=device.pk,
            work_center=typed.get("work_center", ""),
            work_unit=typed.get("work_unit", "").strip(),
            fields=device_forms.typed(typed, device_forms.DEVICE) | {"is_active": typed.get("is_active", "")},
            command_id=command_id,
        )
        return done(request, _("The machine is changed; whoever reads it takes that up within seconds."), url)
    if act != "tag":
        raise Refused("invalid", field="act", why=_("choose one of the buttons"))
    fields = device_forms.typed(typed, device_forms.TAG)
    if typed.get("tag") == "new":
        add_tag(
            actor=actor,
            device_id=device.pk,
            scrap_reason=typed.get("scrap_reason", ""),
            fields=fields,
            command_id=command_id,
        )
        return done(request, _("The tag is added; its first reading is where counting begins."), url)
    known = [each.tag.pk for each in row.tags if str(each.tag.pk) == typed.get("tag")]
    if not known:
        raise Refused("not_found", what=_("Tag"), number=typed.get("tag", "")[:20])
    change_tag(
        actor=actor,
        tag_id=known[0],
        scrap_reason=typed.get("scrap_reason", ""),
        fields=fields | {"is_active": typed.get("is_active", "")},
        command_id=command_id,
    )
    return done(request, _("The tag is changed; nothing is counted under its old meaning any more."), url)


def _talk(work: Coroutine[Any, Any, Any]) -> Any:
    """Run WORK in a loop and thread of its own, whatever loop the caller's thread may have."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, work).result()


def _test(device: Device, row: DeviceRow) -> list[dict[str, Any]]:
    """Connect and read once from here, in the open: no transaction waits for a machine."""
    tags = {each.tag.pk: each.tag for each in row.active_tags}
    driver = connect(device_setup(device, tags.values()))

    async def probe() -> Any:
        try:
            return await driver.probe([tag_spec(tag, device.unit) for tag in tags.values()])
        finally:
            await driver.close()

    return [device_words.step(step, tags) for step in _talk(probe())]


def _preview(device: Device, typed: QueryDict) -> dict[str, Any]:
    """What lies at the typed address now, read in each of the four byte orders."""
    fields = device_forms.looked_at(typed)
    driver: Any = connect(device_setup(device, []))

    async def read() -> Any:
        try:
            await driver.open()
            return await driver.registers(device.unit, fields["table"], fields["address"], fields["count"])
        except Unreachable:
            return None
        finally:
            await driver.close()

    places = _talk(read())
    if places is None:
        text = _("Nothing can be read there now. Test the connection to see why.")
        return {"text": text, "orders": [], "chosen": typed.get("byte_order", "")}
    raw = " ".join(f"{place:04X}" for place in places)
    if width(fields["data_type"]) == 1:
        orders = [("", places[0] if fields["table"] in ("COIL", "DISCRETE") else _single(places, fields["data_type"]))]
    else:
        orders = list(previews(places, fields["data_type"]).items())
    shown = [(order, "–" if number is None else f"{number:.7g}") for order, number in orders]
    return {"text": _("Read just now: {raw}").format(raw=raw), "orders": shown, "chosen": typed.get("byte_order", "")}


def _single(places: list[int], data_type: str) -> Any:
    return previews(places, data_type)["ABCD"]
