"""`python -m justright`: the command line, where the `justright` script is not on the path."""

from justright.cli.main import main

main()
