"""Groups of commands: other names for a command, and modules that load when they are needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class CommandGroup(click.Group):
    """Loads a command's module when the command is asked for.

    `modules`: name → `module:attribute`. `aliases`: other name → name; `ls` is always one for
    `list`.
    """

    SECTION = "Commands"

    def __init__(
        self,
        *args: Any,
        modules: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._modules = dict(modules or {})
        self._aliases = {"ls": "list", **(aliases or {})}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, without the aliases."""
        return sorted({*super().list_commands(ctx), *self._modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """By name or alias."""
        name = self._aliases.get(cmd_name, cmd_name)
        if name not in self._modules:
            return super().get_command(ctx, name)
        module, _, attribute = self._modules[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """By name or alias."""
        # the path of a command in messages has its own name, whatever it was called by
        return super().resolve_command(ctx, [self._aliases.get(args[0], args[0]), *args[1:]])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """With the aliases beside the names."""
        commands = {
            self._with_aliases(name): command
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        }
        limit = formatter.width - 6 - max(map(len, commands), default=0)
        with formatter.section(self.SECTION):
            formatter.write_dl(
                [(shown, command.get_short_help_str(limit)) for shown, command in commands.items()]
            )

    def _with_aliases(self, name: str) -> str:
        return ", ".join([name, *(a for a, of in self._aliases.items() if of == name)])


class CommandWithVariants(CommandGroup):
    """A command that is also a group: `create NAME …`, and `create github NAME …`.

    The first word decides: the name of a variant is the variant, everything else is for the
    command itself, which is added under `ITSELF`.
    """

    ITSELF = "-"
    SECTION = "Variants"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the command itself before what names no variant."""
        is_variant = bool(args) and args[0] in {*self.list_commands(ctx), *ctx.help_option_names}
        completes = ctx.resilient_parsing and not args
        return super().parse_args(ctx, args if is_variant or completes else [self.ITSELF, *args])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The variants."""
        return [name for name in super().list_commands(ctx) if name != self.ITSELF]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Those of the command itself, too."""
        return [*self._itself(ctx).collect_usage_pieces(ctx), "| VARIANT …"]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """That of the command itself."""
        self._itself(ctx).format_help_text(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Those of the command itself, then the variants."""
        self._itself(ctx).format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options and variants."""
        itself = self._itself(ctx).shell_complete(ctx, incomplete)
        return [*itself, *super().shell_complete(ctx, incomplete)]

    def _itself(self, ctx: click.Context) -> click.Command:
        command = self.get_command(ctx, self.ITSELF)
        assert command is not None, "a command with variants has itself among its commands"
        return command
