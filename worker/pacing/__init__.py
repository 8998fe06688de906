"""Pacing: the limiter, its capacity shared by the processes of a host, and the file that remembers it."""
