"""What several commands have in common: the target that they are given, and how they say that they could not run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

COULD_NOT_RUN = 2
REFERENCE = "reference"

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Complaint(click.ClickException):
    """One clear error: what, why, what to do. Exit code 2."""

    exit_code = COULD_NOT_RUN


def target_argument(command: _Command) -> Callable[..., Any]:
    """Give a command its target: its first argument, or `--target` as it used to be; the reference when left out."""

    @functools.wraps(command)
    def with_target(*, target: str | None, target_option: str | None, **options: Any) -> Any:
        if target is not None and target_option is not None:
            raise Complaint(f"two targets are given, {target} and --target {target_option}: give one of them")
        named = target_option if target is None else target
        return command(target=REFERENCE if named is None else named, **options)

    option = click.option("--target", "target_option", hidden=True)
    return click.argument("target", required=False)(option(with_target))
