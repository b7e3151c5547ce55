"""Kalshi's own paths, under which existing clients read through the cache: they change the host and their key."""
