"""What one small EC2 host costs a month, under every way to pay for it.

The story, in the order of the data::

    sources/       read figures from AWS, a cache or a snapshot, and assemble a Market
    market.py      Market: the offers of regions and the rates of everything around the host
    commitments.py when a commitment pays off, and those that are held already
    workload.py    Workload, HostShape, Usage: what the bot needs and what it will use
    plans.py       offers x hours -> Plans, each with its Bill and the reasons why it does not fit
    bill.py        a Bill: the items of one month, which sum exactly
    recommend.py   Plans, ranked -> Recommendation, and what relaxing a wish would save

and the words they share: ``price.py`` (Price, Unpriced, Source), ``offers.py`` (InstanceType,
Purchase, Offer), ``rates.py`` (tiers and free parts), ``calendar.py`` (hours of a month).

Money is ``Decimal`` in US dollars from the source's string to the screen. All values are frozen.
A price that is not known is an ``Unpriced`` with a reason; it is never 0 and never ``None``.
This package knows nothing of CloudFormation and does not import ``cfgen``.
"""
