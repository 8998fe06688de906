"""The way to an API: sockets, credential, exchanges, reads."""
