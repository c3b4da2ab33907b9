"""The broker's library, as it lies in such a bot's working folder: ignored by git, and needed."""

import os

NEEDED = {
    "demo": ("KIS_PAPER_APP_KEY", "KIS_PAPER_APP_SECRET", "KIS_PAPER_STOCK"),
    "real": ("KIS_APP_KEY", "KIS_APP_SECRET", "KIS_ACCT_STOCK"),
}


class Broker:
    """An account at a broker that accepts every order."""

    def __init__(self, mode):
        missing = [name for name in NEEDED[mode] if not os.environ.get(name)]
        if missing:
            raise RuntimeError(f"no keys: {', '.join(missing)}")
        self.mode = mode

    def price(self, symbol):
        return 10_000 + int(symbol)

    def order(self, side, symbol, amount):
        return f"{self.mode}-{side}-{symbol}-{amount}"
