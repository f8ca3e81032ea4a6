"""Layers on complex tokens, one idea a file; a token tensor is a `Polar` of shape (B, N, D)."""
