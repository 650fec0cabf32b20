# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Begin the command line, and end it without a traceback."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gpu_hpo.cli._doctor import doctor
from gpu_hpo.cli._output import INTERRUPTED, complain, prepare_output
from gpu_hpo.cli._plan import plan
from gpu_hpo.cli._recorded import report, watch


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="gpu_hpo", message="gpu_hpo %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Hyperparameter searches on GPUs, or on CPUs where there is none."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


cli.add_command(doctor)
cli.add_command(plan)
cli.add_command(report)
cli.add_command(watch)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `gpu-hpo`, and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0; 1 if the doctor found something to mend, or a journal cannot be read; 2 if an
        argument is wrong; 130 after Ctrl-C; 141 if nobody reads the output any more.
    """
    try:
        prepare_output()
        status = cli.main(
            None if arguments is None else list(arguments),
            prog_name="gpu-hpo",
            standalone_mode=False,
        )
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        complain(
            "gpu-hpo" if context is None else context.command_path,
            error.format_message(),
        )
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return status if isinstance(status, int) else 0
