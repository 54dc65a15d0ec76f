"""Operates a crypto market-making bot: may it trade, is it healthy, has it stopped?

Read in this order: ``domain/verdict.py``, ``deploy/policies/soak.yaml``, ``domain/soak/gate.py`` and its
test, ``defs/soak/assets.py``, ``defs/keys.py``, ``definitions.py``.

Layers, each knowing only those below it: ``cli`` and ``definitions`` -> ``defs`` (Dagster) -> ``adapters``
(touch the world) -> ``domain`` (decides). ``paperbot`` stands apart and meets the rest over files and HTTP.
"""

__version__ = "0.1.0"
