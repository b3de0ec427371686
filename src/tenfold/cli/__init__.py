"""The command line: one file per verb.

Nothing heavy is imported before a command needs it, so that ``tenfold --help`` answers at once.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tenfold.cli import (
    baseline,
    bench,
    data,
    demo,
    evaluate,
    explain,
    export,
    form,
    networks,
    predict,
    read,
    recipes,
    runs,
    serve,
    study,
    train,
    tune,
)
from tenfold.cli.output import say, show
from tenfold.errors import TenfoldError, TrainingStopped

FAILED, INTERRUPTED = 1, 130

app = typer.Typer(
    name="tenfold",
    help="Handwritten digits, measured honestly: train, evaluate, and reproduce published studies.",
    epilog=(
        "Start with: tenfold demo. Runs are kept in $TENFOLD_HOME, else ./tenfold-runs; fetched data sets in "
        "$TENFOLD_CACHE, else the platform's cache folder. Exit status: 0 done, 1 failed, 2 wrong usage."
    ),
    add_completion=False,
    no_args_is_help=True,
    # Plain help: it starts in a third of the time, and keeps the lines of the examples apart.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for verb in (
    demo,
    train,
    tune,
    evaluate,
    predict,
    read,
    explain,
    form,
    export,
    serve,
    networks,
    data,
    runs,
    study,
    bench,
    baseline,
    recipes,
):
    verb.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        import tenfold

        show(f"tenfold {tenfold.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, or None
        Instead of those of the process.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 failed, 2 wrong usage, 130 interrupted. With ``TENFOLD_DEBUG=1`` what failed is
        raised as it is.
    """
    debug = os.environ.get("TENFOLD_DEBUG", "") not in ("", "0")
    # A name with letters beyond the encoding of stdout is told with escapes; it must not end a long command.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(args=None if arguments is None else list(arguments), prog_name="tenfold")
    except TenfoldError as error:
        if debug:
            raise
        if isinstance(error, TrainingStopped):
            words = sys.argv[1:] if arguments is None else arguments
            say(f"{error}\nGo on with: tenfold {shlex.join(words)}")
            sys.exit(INTERRUPTED)
        say(f"Error: {error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        if debug:
            raise
        # A disk that is full, a folder that is somebody else's: nothing that Tenfold could mend.
        place = f"{error.filename}: " if error.filename else ""
        say(f"Error: {place}{error.strerror or error}.")
        sys.exit(FAILED)
    except Exception as error:
        if debug:
            raise
        say(
            f"Error: something unexpected happened ({type(error).__name__}: {error}). This is a fault of "
            "Tenfold: please report it, with what TENFOLD_DEBUG=1 shows when you run the command again."
        )
        sys.exit(FAILED)
