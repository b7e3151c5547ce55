"""The documents say what the code does: every fact that can be looked up in both is compared here.

A failing comparison shows the row as it should stand.
"""
