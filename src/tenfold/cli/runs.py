"""``tenfold runs``: the finished runs that the store keeps."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import fields
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.options import JsonOption, examples
from tenfold.cli.output import (
    accuracy_text,
    say,
    short,
    show,
    show_json,
    show_pairs,
    show_paragraph,
    show_table,
)
from tenfold.cli.progress import seconds_text
from tenfold.errors import StoreError

if TYPE_CHECKING:
    from tenfold.evaluation.significance import Comparison as Test
    from tenfold.runs.run import Run
    from tenfold.runs.store import Comparison, Store

commands = typer.Typer(
    help="The finished runs: list, show, compare, remove.", no_args_is_help=True, rich_markup_mode=None
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The start of a run's id (tenfold runs list).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="runs")


@commands.command(
    "list",
    epilog=examples(
        "tenfold runs list",
        "tenfold runs list --network fast --order -test_accuracy --limit 5",
        "tenfold runs list --study lin --json",
    ),
)
def list_runs(
    network: Annotated[
        str | None, typer.Option("--network", metavar="NAME", help="Only runs of this network.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME", help="Only runs on this data, as in mnist/train.")
    ] = None,
    study: Annotated[
        str | None, typer.Option("--study", metavar="KEY", help="Only runs of this study.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            "--order", metavar="KEY", help="A column or metric to sort by; a minus before it turns it around."
        ),
    ] = "-started",
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="At most so many; 0 for all.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    from tenfold.report.document import Column
    from tenfold.runs.store import Store

    store = Store()
    stopped = unfinished(store)
    if stopped:
        say(
            f"{len(stopped)} unfinished, in {store.root / 'runs'}: {', '.join(id[:12] for id in stopped[:8])}"
            f"{', ...' if len(stopped) > 8 else ''}. The command that began one goes on with it; "
            "tenfold runs remove deletes it."
        )
    filters = {"network": network, "data": data, "study": study}
    # One more than asked for, to know whether there are more.
    found = store.list(order=order, limit=limit + 1 if limit else None, **filters)
    shown = found[:limit] if limit else found
    if as_json:
        show_json([_row(run) for run in shown])
        return
    if not shown:
        say(f"There are no such runs in {store.root}. Train one with: tenfold train fast")
        return
    rows = [
        _row(run)
        | {
            "id": short(run),
            "started": run.started[:16].replace("T", " "),
            "seconds": seconds_text(run.seconds),
            "for": " ".join(str(run.tags[name]) for name in ("study", "scale") if name in run.tags) or None,
        }
        for run in shown
    ]
    show_table(
        rows,
        {
            "id": "Id",
            "network": "Network",
            "data": "Data",
            "seed": "Seed",
            "engine": "Engine",
            "test_accuracy": Column("Test accuracy", "right", "%", digits=2, percent=True),
            "seconds": Column("Time", "right"),
            "started": Column("Started", unit="UTC"),
            "for": "Study",
        },
    )
    if len(found) > len(shown):
        say(f"These are the first {limit}; see all with --limit 0.")


@commands.command("show", epilog=examples("tenfold runs show 3fa91c", "tenfold runs show 3fa91c --json"))
def show_run(id: IdArgument, as_json: JsonOption = False) -> None:
    """Show a run.

    What it was, what came of it, what it ran on, and its history by epoch.
    """
    from tenfold.runs.store import Store

    run = Store().get(id)
    if as_json:
        values = {column.name: getattr(run, column.name) for column in fields(run)}
        show_json(values | {"folder": None if run.folder is None else str(run.folder)})
        return
    test = run.metrics.get("test")
    show_pairs(
        {
            "run": run.id,
            "network": run.network,
            "data": run.data,
            "seed": run.seed,
            "engine": run.engine,
            "started": f"{run.started} ({seconds_text(run.seconds)} of training)",
            "test accuracy": accuracy_text(test) if isinstance(test, dict) else None,
            "metrics": "\n".join(
                f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in run.metrics.items()
                if not isinstance(value, dict | list)
            )
            or None,
            "recipe": "\n".join(
                f"{name} {_compact(value)}" for name, value in run.what.get("recipe", {}).items()
            )
            or None,
            "folder": run.folder,
            "hardware": ", ".join(
                f"{name} {value}" for name, value in run.hardware.items() if value is not None
            ),
            "versions": ", ".join(f"{name} {value}" for name, value in run.versions.items()),
            "commit": run.commit,
            "tags": ", ".join(f"{name} {value}" for name, value in run.tags.items()) or None,
        }
    )
    columns = [
        name for name in run.history if all(not isinstance(value, list) for value in run.history[name])
    ]
    if columns:
        rows = [
            dict(zip(columns, row, strict=True))
            for row in zip(*(run.history[c] for c in columns), strict=True)
        ]
        show("")
        show_table(rows, {name: name for name in columns})


@commands.command(
    "compare",
    epilog=examples("tenfold runs compare 3fa91c 77b0e2", "tenfold runs compare 3fa 77b c01 --json"),
)
def compare(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="The starts of two or more runs' ids.")],
    as_json: JsonOption = False,
) -> None:
    """Show what each run measured, and how the runs differ.

    Two that were tested on the same images are compared by McNemar's exact test.
    """
    from tenfold.report.document import Column
    from tenfold.runs.store import Store

    if len(ids) < 2:
        raise typer.BadParameter("give at least two runs to compare.", param_hint="ID")
    found = Store().compare(ids)
    tests = [(a, b, test) for a, b in combinations(found.runs, 2) if (test := paired_test(a, b))]
    if as_json:
        show_json(
            {
                "runs": [run.id for run in found.runs],
                "differences": {name: list(values) for name, values in found.identity.items()},
                "metrics": {name: list(values) for name, values in found.metrics.items()},
                "mcnemar": [{"a": a.id, "b": b.id} | test.to_dict() for a, b, test in tests],
            }
        )
        return
    rows: list[dict[str, Any]] = [
        {"what": name, **{str(place): _compact(value) for place, value in enumerate(values)}}
        for part in (found.metrics, differences(found))
        for name, values in part.items()
    ]
    heads = {
        str(place): Column(f"{short(run)} {run.network} seed {run.seed}", "right")
        for place, run in enumerate(found.runs)
    }
    show_table(rows, {"what": "", **heads})
    if tests:
        show("")
    for a, b, test in tests:
        show_paragraph(mcnemar_text(a, b, test))


def differences(found: Comparison) -> dict[str, tuple[Any, ...]]:
    """Return what differs in what the runs were; networks of other layers are told by name alone."""
    from tenfold.runs.run import identity

    networks: list[dict[str, Any]] = [run.what.get("network", {}) for run in found.runs]
    if len({json.dumps(_types(network)) for network in networks}) == 1:
        return found.identity
    names = tuple(str(run.network) for run in found.runs)
    if len(set(names)) < len(names):
        names = tuple(
            f"{name} {identity(network)[:12]}" for name, network in zip(names, networks, strict=True)
        )
    rest = {name: row for name, row in found.identity.items() if name.partition(".")[0] != "network"}
    return {"network": names} | rest


def paired_test(a: Run, b: Run) -> Test | None:
    """Return McNemar's test of two runs, None where they were not tested on the same images."""
    from tenfold.evaluation.significance import mcnemar
    from tenfold.models.fit import read_predictions

    sets = [run.what.get("data", {}).get("test") for run in (a, b)]
    if not all(isinstance(each, dict) and "sha256" in each for each in sets):
        return None
    if a.id == b.id or sets[0]["sha256"] != sets[1]["sha256"]:
        return None
    first, second = read_predictions(a), read_predictions(b)
    if first is None or second is None:
        return None
    return mcnemar(first["truth"], first["predicted"], second["predicted"])


def mcnemar_text(a: Run, b: Run, test: Test) -> str:
    """Say what McNemar's test found."""
    low, high = test.interval
    return (
        f"{short(a)} minus {short(b)}: {100 * test.difference:+.2f} points of test accuracy "
        f"({test.confidence:.0%} interval {100 * low:+.2f} to {100 * high:+.2f}). Of {test.n:,} images only "
        f"the first has {test.only_a_right:,} right, only the second {test.only_b_right:,}: "
        f"p = {test.p:.2g} (McNemar's exact test of these two trained models, not of their recipes)."
    )


def unfinished(store: Store) -> list[str]:
    """Return the ids of trainings that have a checkpoint and no run: stopped, or going on right now."""
    folder = store.root / "runs"
    if not folder.is_dir():
        return []
    from tenfold.training.checkpoint import FILE

    ids = [path.parent.name for path in sorted(folder.glob(f"*/{FILE}"))]
    return [id for id in ids if re.fullmatch("[0-9a-f]{64}", id) and store.find(id) is None]


def find_unfinished(store: Store, prefix: str) -> str | None:
    """Return the one unfinished training whose id starts with `prefix`, None where there is none.

    Raises
    ------
    StoreError
        There are several, or there are runs whose ids start alike.
    """
    prefix = prefix.strip().lower()
    found = [id for id in unfinished(store) if prefix and id.startswith(prefix)]
    if not found:
        return None
    found += [run.id for run in store.list() if run.id.startswith(prefix)]
    if len(found) > 1:
        raise StoreError(
            f"Several runs have an id that starts with {prefix!r}; give more of it: "
            + ", ".join(id[:16] for id in found)
        )
    return found[0]


@commands.command(
    "remove", epilog=examples("tenfold runs remove 3fa91c", "tenfold runs remove 3fa 77b --yes")
)
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="The starts of the runs' ids.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs with their models for good, unfinished trainings too."""
    from tenfold.runs.store import Store

    store = Store()
    # All are found before any is removed, so that a mistyped id removes nothing.
    stopped: list[str] = []
    kept: dict[str, Run] = {}
    for prefix in ids:
        if (id := find_unfinished(store, prefix)) is not None:
            stopped.append(id)
        else:
            run = store.get(prefix)
            kept[run.id] = run
    runs = list(kept.values())
    stopped = list(dict.fromkeys(stopped))
    for id in stopped:
        say(f"{id[:12]}  unfinished")
    for run in runs:
        say(f"{short(run)}  {run.network}, seed {run.seed}, {run.started[:16].replace('T', ' ')} UTC")
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter(
                "nobody is there to be asked; give --yes to remove them.", param_hint="--yes"
            )
        count = len(runs) + len(stopped)
        what = "this run with all it left" if count == 1 else f"these {count} runs with all they left"
        if not typer.confirm(f"Remove {what} for good?", err=True):
            say("Nothing was removed.")
            raise typer.Exit(1)
    for id in stopped:
        with store.claim(id, timeout=0):
            try:
                shutil.rmtree(store.folder(id))
            except OSError as error:
                raise StoreError(
                    f"{store.folder(id)} cannot be removed: {error.strerror or error}."
                ) from None
        show(f"removed {id[:12]}")
    for run in runs:
        store.remove(run.id)
        show(f"removed {short(run)}")


def _row(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "network": run.network,
        "data": run.data,
        "seed": run.seed,
        "engine": run.engine,
        "started": run.started,
        "seconds": run.seconds,
        "test_accuracy": run.metrics.get("test_accuracy"),
        "folder": None if run.folder is None else str(run.folder),
        "tags": run.tags,
    }


def _compact(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_compact(inner)}" for name, inner in value.items())
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return value[:12]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _types(value: Any) -> Any:
    """Return the types of the layers, nested as the layers are."""
    if isinstance(value, list):
        return [_types(item) for item in value if isinstance(item, dict | list)]
    inner = [_types(item) for item in value.values() if isinstance(item, dict | list)]
    return [value.get("type"), *inner]
