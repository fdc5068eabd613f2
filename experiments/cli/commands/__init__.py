"""One file for each command, imported when the command is called. Each holds a click command named `command`."""
