"""Columns that name members of a JSON body, of which a description knows some: `title`, `address.city`, `/a.b`."""
