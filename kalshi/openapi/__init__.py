"""The OpenAPI document of our URLs, made from the endpoint table, and the pages that show it.

Only a project that uses it needs drf-spectacular: REST_FRAMEWORK names `kalshi.openapi.operations.TableSchema`, and
SPECTACULAR_SETTINGS the hooks of `kalshi.openapi.document`.
"""
