"""A fire drill: stop a bot on purpose, the way a breach would, measure it, and let the bot go on."""
