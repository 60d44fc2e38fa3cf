"""Which plants the database holds, for what stands outside of any one of them: a backup's manifest."""

from workorders.models import Site


def plants() -> list[dict[str, str]]:
    return [{"code": site.code, "name": site.name} for site in Site.objects.order_by("code")]
