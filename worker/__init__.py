"""How a run behaves: reading the input, pacing, sending, journalling, reporting."""
