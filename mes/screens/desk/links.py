"""The addresses of things that have a page, for views and for prepared rows."""

from mes.screens.desk.pages import in_path


def order_url(number: str, pk: int) -> str:
    # An order may be called "new", which is the page where orders are made.
    return f"/orders/~{pk}/" if number == "new" else f"/orders/{in_path(number, pk)}/"


def lot_url(number: str, pk: int) -> str:
    return f"/trace/lot/{in_path(number, pk)}/"


def work_center_url(code: str, pk: int) -> str:
    return f"/floor/wc/{in_path(code, pk)}/"
