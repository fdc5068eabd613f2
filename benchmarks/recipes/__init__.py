"""Every recipe trained and compared with its baselines: `python -m benchmarks.recipes`, written to docs/recipes.md."""
