"""The embedded bot: a small deterministic market maker, recorded in seconds or run live.

Read in this order: ``profiles.py`` (every number), ``market.py`` and ``trading.py`` (a symbol's day), ``gauges.py``
and ``exporter.py`` (what it exports), ``engine.py`` and ``drill.py`` (its control logic, and the drill of it),
``selftest.py``, ``recording.py``. Live: ``control.py`` and ``faults.py`` (what it is asked, what befalls it),
``live_symbol.py`` and ``live.py`` (one step), ``live_metrics.py``, ``live_process.py``, ``server.py``, ``serving.py``.
It meets the rest of the project only over HTTP and files.
"""
