"""``python -m metaopt``."""

from metaopt.cli.main import main

main()
