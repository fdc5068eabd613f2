"""Arguments and options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from registry.load import Loaded

F = TypeVar("F", bound=Callable[..., Any])


def spec_argument(command: F) -> F:
    """SPEC: a file or the name of a spec that ships."""
    return click.argument("spec")(command)


def overrides_argument(command: F) -> F:
    """Settings on top of the spec, `a.b=value`."""
    return click.argument("overrides", nargs=-1, metavar="[a.b=VALUE]...")(command)


def plugin_option(command: F) -> F:
    """Files or modules with parts of the user's own."""
    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="FILE",
        help="A Python file (or module) with parts of your own; may be given several times.",
    )(command)


def trust_option(command: F) -> F:
    """Permission for the plug-ins that a spec names."""
    return click.option(
        "--trust", is_flag=True, help="Run the plug-ins that the spec itself names: code of whoever wrote it."
    )(command)


def spec_options(command: F) -> F:
    """SPEC [a.b=VALUE]... --plugin --trust, in that order of help."""
    return spec_argument(overrides_argument(plugin_option(trust_option(command))))


def load_spec(spec: str, overrides: tuple[str, ...], plugins: tuple[str, ...], trust: bool) -> Loaded:
    """The full, checked spec; tells on stderr what a changed kind dropped, and what its numbers do not mean.

    Raises SpecError with every problem.
    """
    from experiments.cli.specs import find_spec
    from registry.load import caveats_of, load

    loaded = load(find_spec(spec), overrides, plugins=plugins, trust=trust)
    for note in (*loaded.composed.notes, *caveats_of(loaded.full, loaded.catalog)):
        click.echo(f"note: {note}", err=True)
    return loaded
