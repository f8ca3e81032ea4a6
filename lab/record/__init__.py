"""Runs: one execution, one folder of plain files."""
