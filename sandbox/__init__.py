"""A simulated Kalshi exchange: a real HTTP server for demos, tests and bots; `python -m sandbox`.

Layout: `world` grows series, events, markets, prices and trades from a seed; `account` keeps one trader's books on
them; `handlers` turn both into response bodies; the modules beside this one are the exchange's front door (signatures,
budgets, parameters, pages, errors), its faults and its control routes. `world` and `account` are pure.
"""
