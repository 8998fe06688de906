"""What decides: pace, backoff, verdicts, guards. State + now (+ a random number) -> new state and a decision."""
