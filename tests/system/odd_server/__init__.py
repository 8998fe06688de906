"""Serve Pedalfleet, a made-up fleet of hired bicycles with odd habits."""
