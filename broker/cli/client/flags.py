"""Options that several commands over the API have."""

from __future__ import annotations

import click

from broker.cli.client.completing import complete_groups

parent_option = click.option(
    "--parent",
    help="Group: UIDP, or names such as acme/shop.",
    shell_complete=complete_groups,
)
recursive_option = click.option(
    "--recursive",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=True,
    metavar="true|false",
    show_default="true",
    help="Whether to list what is in the groups below --parent, too.",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Ask nothing, go on.")
name_option = click.option("-n", "--name", help="Name.")
description_option = click.option("-d", "--description", help="Description.")
