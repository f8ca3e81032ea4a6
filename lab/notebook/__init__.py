"""Notebooks: their contract, and how one is executed into a run folder."""
