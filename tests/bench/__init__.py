"""Benchmarks: programs that print ratios and medians of one run, never timed tests."""
