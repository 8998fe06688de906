"""A recipe: one file that says which sheet goes where, every night, and by which rules."""
