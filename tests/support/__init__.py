"""Helpers shared by the system tests: clients, fakes, waits and the invariant checker."""
