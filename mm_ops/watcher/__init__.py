"""The rollback watcher: takes alerts in, answers once they are on the disk, and stops the bot that they name.

Reading order: ``service`` (what runs), ``lanes`` (what waits for what), ``app`` (what is served), ``guard`` (who may).
"""
