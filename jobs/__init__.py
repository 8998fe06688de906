"""What one row means: pure, and about a single row. No event loop, no clock, no path, no socket."""
