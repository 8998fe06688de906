"""How fast: the limiter, its capacity shared by processes of a host, and the file that remembers it."""
