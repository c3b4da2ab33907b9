"""The embedded snapshot, the figures it is made of, and the script that makes it."""
