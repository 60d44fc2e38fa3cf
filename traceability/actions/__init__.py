"""What changes rows of this app. Consumption and output enter through `mes.execution`."""
