"""The command `swapformer`. A command's module is imported when it is called, so that help costs nothing."""

from __future__ import annotations

import errno
import importlib
import keyword
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

GROUPS: dict[str, dict[str, str]] = {
    "See what there is": {
        "list": "Parts that a spec can name, by family, and specs that ship",
        "show": "One part: what it computes, its options, what it goes with",
        "matrix": "Which attention works with which position, mask and topology",
    },
    "Write a spec": {
        "new": "Start a spec, or a part of your own, from a commented template",
        "check": "Find every mistake in a spec, without training",
        "describe": "What a spec builds: layers, parameters, FLOPs",
        "profile": "What a model costs against sequence length: time, memory, decoding",
        "schema": "JSON Schema of specs, for completion in an editor",
    },
    "Train and compare": {
        "run": "Train one spec; the same command continues it",
        "sweep": "Train every variant of a spec's sweep and rank them",
        "status": "How far runs and sweeps are, from another terminal",
        "report": "Rank what a run or sweep has so far, and write its page",
        "results": "Trials or variants as a table, for people and programs",
        "diff": "What sets two trials or two sweeps apart",
    },
    "Use a trained model": {
        "predict": "What a trained model says to new inputs",
        "generate": "Continue a prompt, or translate a line",
        "evaluate": "A trained model on a split of its data",
        "attend": "Draw what a trained model attends to",
    },
    "Exchange weights": {
        "import": "Read a published checkpoint as a model of parts",
        "export": "Write a model as others read it",
    },
}
"""The commands in the order of their use, with what the overview says of each."""

EXPECTED: dict[str, int] = {
    "registry.errors.SpecError": 2,
    "registry.checkpoint_errors.CheckpointError": 2,
    "experiments.data.errors.BadData": 2,
    "experiments.results.plan.ResultsError": 2,
    "experiments.store.database.StoreError": 2,
    "experiments.training.errors.CannotResume": 2,
    "experiments.extras.MissingExtra": 2,
    "experiments.sweep.engine.EngineFailed": 1,
    "experiments.training.errors.RankFailed": 1,
    "experiments.training.errors.RankLost": 1,
    "experiments.training.errors.Busy": 4,
}
"""Errors that speak to the user, with the exit code. By name, because importing some of them would import torch."""


class Commands(click.Group):
    """A group whose commands are modules of `experiments.cli.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in GROUPS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        # a module cannot be called `import`
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"experiments.cli.commands.{name}")
        command: click.Command = module.command
        if not any(option.name == "debug" for option in command.params):
            command.params.append(_debug_option(hidden=True))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            from registry.errors import did_you_mean

            hint = did_you_mean(args[0], known) or f" Commands: {', '.join(known)}."
            raise click.UsageError(f"there is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if ctx.find_root().meta.get("debug"):
                raise
            ctx.exit(_tell(error))


def _tell(error: Exception) -> int:
    """Print an error as one line, or one for each problem; returns the exit code."""
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__]
    code = next((EXPECTED[name] for name in names if name in EXPECTED), None)
    if code is not None:
        click.echo(str(error), err=True)
        return code
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        return 1
    words = " ".join(f"{type(error).__name__}: {error}".split())
    click.echo(f"unexpected error: {words}\nrun with --debug to see where it comes from", err=True)
    return 1


def _note_debug(ctx: click.Context, _: click.Parameter, on: bool) -> None:
    if on:
        ctx.find_root().meta["debug"] = True


def _debug_option(*, hidden: bool = False) -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_note_debug,
        hidden=hidden,
        help="Show the traceback of an error.",
    )


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"swapformer {version('swapformer')}")
        ctx.exit()


cli = Commands(
    name="swapformer",
    help="Interchangeable Transformer parts: assembled from YAML, trained, and compared fairly.\n\n"
    "Start with `swapformer list`, then `swapformer new spec`.",
    params=[
        _debug_option(),
        click.Option(
            ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="SPEC is a file, a folder with a spec.yaml, or the name of a spec that ships: `swapformer list specs`.",
)


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as people read it, without the line of code that gives it."""
    click.echo(f"note: {message}", err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: 0 done, 1 failed, 2 bad input, 3 some trials failed, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a sign shows a question mark
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.showwarning = _note
    cli.main(args=None if arguments is None else list(arguments), prog_name="swapformer")


if __name__ == "__main__":
    main()
