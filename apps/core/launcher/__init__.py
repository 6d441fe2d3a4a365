"""Runs Upline on a bare machine for development, tests and benchmarks. Imports no Django; production never uses it."""
