"""APIs that are described as data: a TOML file says what differs, and one implementation serves them all."""
