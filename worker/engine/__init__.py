"""One process on one run: rows on their way in, sent, settled and seen."""
