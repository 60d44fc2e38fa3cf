"""Benchmarks: product and floor interleaved in one run, ratios of medians, one JSON line. Never run as tests."""
