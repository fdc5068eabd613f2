"""Comparing variants: the plan, the engine, the coordinator."""
