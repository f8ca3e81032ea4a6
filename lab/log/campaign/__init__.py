"""Campaigns: a baseline, what each change brought, and the way to the best arm."""
