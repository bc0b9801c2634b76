"""The command lines of benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path


def program_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help is a program's docstring, lines as they are."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def study_parser(description: str | None, studies: Collection[str]) -> argparse.ArgumentParser:
    """Return the parser of a program that compares ways to train one of some studies, on an accelerator or in a rehearsal."""
    parser = program_parser(description)
    parser.add_argument("study", choices=studies)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rehearse", action="store_true")
    return parser


def names_among(names: Collection[str]) -> Callable[[str], list[str]]:
    """Return a parser of names separated by commas, for `type=`; an empty text is no name."""

    def parse(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",") if name.strip()]
        if not set(chosen) <= set(names):
            raise argparse.ArgumentTypeError(f"must be among {', '.join(names)}; got {text!r}")
        return chosen

    return parse
