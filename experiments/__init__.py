"""Data, tasks, training, sweeps, results, reports and the command line."""
