"""Every benchmark by its key: what ``tenfold bench`` measures, in this order."""

from __future__ import annotations

from tenfold.benchmarks import accuracy, experiments, grid, growth, inference, startup
from tenfold.benchmarks.benchmark import Benchmark

SUITE: dict[str, Benchmark] = {
    benchmark.key: benchmark
    for benchmark in (
        inference.BENCHMARK,
        startup.BENCHMARK,
        experiments.BENCHMARK,
        grid.BENCHMARK,
        accuracy.BENCHMARK,
        *growth.BENCHMARKS,
    )
}
