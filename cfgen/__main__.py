"""``python -m cfgen``."""

from cfgen.cli.main import main

main()
