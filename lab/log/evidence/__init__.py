"""Evidence: where every generated number comes from, and checking that it still holds."""
