"""`python -m lab.cli` is `lab`."""

from lab.cli import main

main()
