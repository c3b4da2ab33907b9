"""The strategy "rebalance"."""

from strategies.journal import work

if __name__ == "__main__":
    work("rebalance")
