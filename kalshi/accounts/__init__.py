"""Secrets at rest: private keys of accounts and keys of authenticator apps, sealed by a ring of keys that is kept
outside the database, and recovery codes, hashed. Free of Django.
"""
