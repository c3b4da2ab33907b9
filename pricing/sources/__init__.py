"""Where prices come from.

::

    interface.py       PriceSource, what all of them are; Aws, the calls that live ones make
    figures.py         the figures they yield: parts (kinds of figure) of items (types, services)
    on_demand.py services.py savings_plans.py spot.py instance_types.py spot_advisor.py
                       one API each: fetching, and parsing that can do without it
    price_list.py      what on_demand.py and services.py share: products, terms, dimensions
    live.py            all of these at once (parallel.py), with cache.py before and snapshot.py
                       behind them (failures.py)
    assemble.py        figures -> Market
"""
