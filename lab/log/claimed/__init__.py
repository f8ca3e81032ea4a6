"""Claims: sentences held against runs, again as runs arrive."""
