"""Statistics for few seeds: intervals that hold at n = 3, and what it would take to say more."""
