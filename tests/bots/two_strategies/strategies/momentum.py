"""The strategy "momentum"."""

from strategies.journal import work

if __name__ == "__main__":
    work("momentum")
