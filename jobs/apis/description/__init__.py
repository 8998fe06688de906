"""The description of an API: its shape, how its file is read and checked, and how it is shown and written."""
