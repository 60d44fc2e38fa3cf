"""The app's entry: registers what it answers, hears and watches over."""

from django.apps import AppConfig


class ErpSyncConfig(AppConfig):
    name = "erp_sync"

    def ready(self) -> None:
        from erp_sync import gates, health, invariants, refusals, retention, subscribers  # noqa: F401 - they register themselves
        from erp_sync.actions.restoring import after_restore
        from mes.kernel.backup.restoring import AFTER_RESTORE
        from workorders.gates import BEFORE_CLOSE

        BEFORE_CLOSE.register(gates.erp_has_confirmed)
        AFTER_RESTORE.append(after_restore)
