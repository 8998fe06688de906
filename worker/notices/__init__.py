"""How a night ended, for people and programs: its report, who is notified, and its metrics."""
