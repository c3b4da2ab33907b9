"""Where prices come from, a file a source, all behind ``interface.py``."""
