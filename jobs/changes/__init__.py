"""What a row changes: the difference, what counts as equal, what was there before, and the way back."""
