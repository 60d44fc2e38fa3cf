"""What changes rows of this app. Floor acts enter through `mes.execution`, which calls down here."""
