"""What a search of ``tenfold tune`` found: as a table, as JSON, as a recipe's file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from tenfold.cli.options import EngineName
from tenfold.cli.output import show, show_pairs, show_paragraph, show_table
from tenfold.cli.progress import seconds_text
from tenfold.cli.tune_search import Search, count, value_text

if TYPE_CHECKING:
    from tenfold.networks.architecture import Architecture
    from tenfold.report.document import Column
    from tenfold.tuning import Outcome, Score


@dataclass(frozen=True)
class Result:
    """What a search found.

    Attributes
    ----------
    search : Search
    outcome : Outcome
    """

    search: Search
    outcome: Outcome

    def rows(self) -> list[dict[str, Any]]:
        """Return what is known of each candidate: the best first, those of the last rung before others."""
        rows: dict[str, dict[str, Any]] = {}
        for number, scores in reversed(list(enumerate(self.outcome.rungs))):
            for score in scores:
                if score.label not in rows:
                    rows[score.label] = self._row(score, number)
        return list(rows.values())

    def _row(self, score: Score, number: int) -> dict[str, Any]:
        from tenfold.evaluation.significance import paired_difference

        search, best, n = self.search, self.outcome.best, len(score.accuracies)
        rung, recipe = search.rungs[number], search.by_label[score.label].recipe
        difference = None
        if score != best and number == len(search.rungs) - 1:
            difference = paired_difference(score.accuracies, best.accuracies, held=search.held)
        return {
            "settings": search.points[score.label],
            "accuracy": score.accuracy,
            "sd": stdev(score.accuracies) if n > 1 else None,
            "n": n,
            "accuracies": list(score.accuracies),
            "loss": score.loss if isfinite(score.loss) else None,
            "rung": number + 1,
            "epochs": min(rung.epochs or recipe.epochs, recipe.epochs),
            "folds": min(rung.folds or len(search.folds), len(search.folds)),
            "difference": difference and difference.to_dict(),
            "within_noise": difference.interval[1] >= 0 if difference and n > 1 else None,
        }

    def to_dict(self, written: Sequence[Path]) -> dict[str, Any]:
        """Return the result as JSON values; `written` is what `write` returned."""
        search, outcome = self.search, self.outcome
        best = search.by_label[outcome.best.label]
        return {
            "network": search.asked.network,
            "data": search.asked.data,
            "images": search.images,
            "folds": len(search.folds),
            "held_out": len(search.folds[0][1]),
            "seeds": search.asked.seeds,
            "candidates": self.rows(),
            "best": {
                "settings": search.points[best.label],
                "recipe": best.recipe.to_dict(),
                "network": best.architecture.to_dict() if search.asked.changes_network else None,
            },
            "planned": {"trainings": search.plan.trainings, "epochs": sum(search.plan.epochs)},
            "epochs_trained": outcome.trained,
            "seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "written": [str(path) for path in written],
            "measure": self.measure(written),
        }

    def write(self, out: Path) -> list[Path]:
        """Write the best recipe, and the network where it was tried too, each whole; return the files."""
        from tenfold.data.formats.files import atomic

        search, best = self.search, self.outcome.best
        candidate = search.by_label[best.label]
        said = [
            f"{best.label}: the best of {len(search.candidates)} that tenfold tune tried with "
            f"{search.asked.network} on {search.folds[0][0].name}.",
            f"It gets {best.accuracy:.2%} of what was held out right ({search.protocol()}), a figure that is "
            "flattered, for it was chosen by it.",
        ]
        # A name may hold what no comment may.
        comments = ["# " + "".join(sign if sign.isprintable() else "?" for sign in line) for line in said]
        texts = {out: "\n".join([*comments, candidate.recipe.to_toml()])}
        if search.asked.changes_network:
            texts[network_file(out)] = _network_text(candidate.architecture)
        for path, text in texts.items():
            with atomic(path) as file:
                file.write(text.encode())
        return list(texts)

    def measure(self, written: Sequence[Path]) -> str | None:
        """Return the command that measures the best on the test set; None where the best must be written."""
        asked = self.search.asked
        if not written and asked.changes_network:
            return None
        words = ["tenfold", "train", str(written[1]) if len(written) > 1 else asked.network]
        if written:
            words += ["--recipe", str(written[0])]
        else:
            words += ["--recipe", asked.recipe] if asked.recipe else []
            for key, value in (asked.own | self.search.points[self.outcome.best.label]).items():
                words += ["--set", f"{key}={value_text(value)}"]
        words += [] if asked.data == "mnist" else ["--data", asked.data]
        words += [] if asked.engine is EngineName.auto else ["--engine", asked.engine.value]
        return shlex.join(words)

    def show(self, written: Sequence[Path]) -> None:
        """Print the result."""
        from tenfold.report.document import Column

        rows, outcome = self.rows(), self.outcome
        columns: dict[str, Column | str] = {key: key for key in self.search.asked.choices}
        columns["accuracy"] = Column("Accuracy", "right", "%", digits=2, percent=True)
        if any(row["n"] > 1 for row in rows):
            columns |= {"sd": Column("sd", "right", "points", digits=2, percent=True), "n": "n"}
        if self.search.by_loss:
            columns["loss"] = Column("Loss", "right", digits=3)
        if len(rows) > 1:
            columns["behind"] = "Against the best"
        if len(self.search.rungs) > 1:
            columns["judged"] = "Judged after"
        show_table([self._cells(row) for row in rows], columns)
        show("")
        for paragraph in self._remarks(rows):
            show_paragraph(paragraph)
        show("")
        show_pairs(
            {
                "cost": f"{count(outcome.trained, 'epoch')} trained in {seconds_text(outcome.seconds)}, "
                f"{seconds_text(outcome.cpu_seconds)} of processor time",
                "written": "\n".join(map(str, written)) or None,
                "measure it": self.measure(written)
                or "give --out FILE.toml: the best is a network of its own, which is written beside it",
            }
        )

    def _cells(self, row: dict[str, Any]) -> dict[str, Any]:
        cells = {key: value_text(value) for key, value in row["settings"].items()}
        cells |= {key: row[key] for key in ("accuracy", "loss", "sd", "n")}
        if row["difference"] is None:
            behind = "the best" if row["rung"] == len(self.search.rungs) else "left behind"
        else:
            behind = f"{100 * row['difference']['mean']:+.2f}"
            if row["within_noise"] is not None:
                low, high = row["difference"]["interval"]
                noise = "within the noise" if row["within_noise"] else "worse"
                behind += f" [{100 * low:+.2f}, {100 * high:+.2f}], {noise}"
        judged = f"{count(row['epochs'], 'epoch')}, {count(row['folds'], 'fold')}"
        return cells | {"behind": behind.replace("-", "\N{MINUS SIGN}"), "judged": judged}

    def _remarks(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        search = self.search
        paired = [row for row in rows if row["difference"] is not None]
        near = sum(row["within_noise"] is True for row in paired)
        remarks = [f"Accuracy on held-out training images: {search.protocol()}. No test image was used."]
        if paired and rows[0]["n"] > 1:
            over = "folds and seeds" if search.held and search.asked.seeds > 1 else "folds"
            over += ", which share training images: the intervals are widened for that" if search.held else ""
            remarks.append(
                "Against the best: the mean difference in points with its 95% interval, each by itself, "
                f"paired over {over if search.held else 'seeds'}. Within the noise of the best: {near} of "
                f"{len(paired)}, which this search cannot tell from it."
            )
        elif paired:
            remarks.append(
                "A single training of each says nothing of the noise: what lies close may be as good. More "
                "folds or seeds tell."
            )
        if search.by_loss:
            remarks.append(
                "Who goes on from a rung is decided by the loss, the cross-entropy in nats; the best is "
                "chosen by its accuracy."
            )
        if any(0.0 in row["accuracies"] for row in rows):
            remarks.append("A training that ran away, its loss no longer finite, counts as 0%.")
        if len(rows) > 1:
            remarks.append(
                "The accuracy of the best is flattered, for it was chosen by it. An honest one is measured "
                "once, on the test set, by the command below."
            )
        return remarks


def network_file(out: Path) -> Path:
    """Return where the network goes that belongs to the recipe in `out`."""
    return out.with_name(f"{out.stem}.network.json")


def _network_text(architecture: Architecture) -> str:
    named = architecture.named(f"{architecture.name}-tuned")
    return json.dumps(named.to_dict(), indent=2, ensure_ascii=False) + "\n"
