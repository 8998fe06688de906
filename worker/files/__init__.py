"""Files beside the journal: the run directory, its input, and files that appear whole or not at all."""
