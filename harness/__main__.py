"""`python -m harness` is `harness`."""

from harness.command.cli import main

main()
