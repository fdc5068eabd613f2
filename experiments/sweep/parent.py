"""How the server that trials are forked from knows whose it is, from its first moment on."""

VARIABLE = "SWAPFORMER_COORDINATOR"
"""Names the process that started the server: by the time it looks itself, its parent may be gone."""
