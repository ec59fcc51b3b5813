"""Fakes, clocks and contract suites for tests of retainkit and of its hosts."""
