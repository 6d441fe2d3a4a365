"""Benchmarks: what Upline does, beside plain SQL (or the plain framework) doing the same in the same run.

Ratios are what to trust: single figures drift with the machine. Never part of the tests.
"""
