"""Three ways: what the sheet says, what both sides last agreed on, and what is there now."""
