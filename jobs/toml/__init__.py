"""Files of ours in TOML: read into models, or refused with everything that is wrong, line, key and what to do."""
