"""One side of a benchmark, in a process of its own: ``python -m tenfold.benchmarks.side KEY SIDE REPEAT``.

The last line it prints is what was measured, as JSON.
"""

from __future__ import annotations

import json
import sys

from tenfold.benchmarks.suite import SUITE


def main() -> None:
    """Measure the side that the command line names."""
    key, name, repeat, *smoke = sys.argv[1:]
    (side,) = (side for side in SUITE[key].sides if side.name == name)
    values = side.measure(int(repeat), "--smoke" in smoke)
    print()
    print(json.dumps(dict(values)))


if __name__ == "__main__":
    main()
