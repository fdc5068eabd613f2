"""Transformer parts: plain torch modules, one file a kind."""
