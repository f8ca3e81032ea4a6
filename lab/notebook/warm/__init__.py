"""Warm execution: kernels forked from a process that has the imports done (see zygote.py)."""
