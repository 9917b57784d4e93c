"""`broker completion`."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands in SHELL.

    For bash: eval "$(broker completion bash)".
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click completes in each of these shells"
    program = ctx.find_root()
    click.echo(found(program.command, {}, "broker", "_BROKER_COMPLETE").source())
