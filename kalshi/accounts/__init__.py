"""Private keys of accounts at rest: sealed by a ring of keys that is kept outside the database. Free of Django."""
