"""Parts of a night: what its source says, what guards it, how rows are decided, how it ends."""
