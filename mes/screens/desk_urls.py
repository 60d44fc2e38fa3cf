"""The addresses of the desk pages."""

from django.urls import URLPattern, path

from mes.screens.desk import erp, floor, lots, new_order, order, orders, receive, short_links, sign_in, work_center

urlpatterns: list[URLPattern] = [
    path("", sign_in.home, name="home"),
    path("login/", sign_in.sign_in, name="sign-in"),
    path("logout/", sign_in.sign_out, name="sign-out"),
    path("floor/", floor.floor_page, name="floor"),
    path("integrations/", erp.connections_page, name="connections"),
    path("integrations/<int:connection_id>/pause/", erp.pause, name="pause-connection"),
    path("integrations/<int:connection_id>/resume/", erp.resume, name="resume-connection"),
    path("integrations/<int:connection_id>/fetch/", erp.fetch_now, name="fetch-now"),
    path("integrations/messages/", erp.messages_page, name="erp-messages"),
    path("integrations/messages/retry/", erp.retry_all, name="retry-all-messages"),
    path("integrations/messages/<int:message_id>/retry/", erp.retry, name="retry-message"),
    path("integrations/messages/<int:message_id>/skip/", erp.skip, name="skip-message"),
    path("integrations/messages/<int:message_id>/again/", erp.again, name="post-again"),
    path("floor/wc/<str:code>/", work_center.work_center_page, name="work-center"),
    path("orders/", orders.order_list, name="orders"),
    path("orders/new/", new_order.new_order, name="new-order"),
    path("orders/<str:number>/", order.order_page, name="order"),
    path("trace/", lots.trace_page, name="trace"),
    path("trace/receive/", receive.receive_page, name="receive-lots"),
    path("trace/lot/<str:number>/", lots.lot_page, name="lot"),
    path("b/<path:code>", short_links.short_link, name="short-link"),
]
