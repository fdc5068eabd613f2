"""The command line: `swapformer`."""
