"""Tenfold as a service over HTTP, and the page that people draw on.

`app` puts the parts together: `watch` counts and logs, `gate` keeps the limits, `classify`, `read`,
`inference` and `page` answer, `batching` puts single pictures together, `documents` opens files in processes
of their own, and `problems` says what went wrong. `web` holds the page,
`folder` writes it as static files.
"""

from tenfold.serving.settings import Settings

__all__ = ["Settings"]
