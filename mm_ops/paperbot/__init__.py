"""The embedded bot: a small deterministic market maker, recorded in seconds.

Read in this order: ``profiles.py`` (every number), ``market.py`` and ``trading.py`` (a symbol's day), ``gauges.py``
and ``exporter.py`` (what it exports), ``engine.py`` and ``drill.py`` (its control logic, and the drill of it),
``selftest.py``, ``recording.py``. It meets the rest of the project only over files.
"""
