"""Series, events, markets, prices, books and trades as pure functions of a seed and a time."""
