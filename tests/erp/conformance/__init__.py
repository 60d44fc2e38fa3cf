"""What every adapter promises the engine, as one suite, and how the suite gets hold of each adapter's other side."""
