"""What each command does, as a library: takes settings and secrets, returns values or raises.

Nothing here prints, prompts, reads flags or the environment, or touches signals, umask, garbage collector or log: that
is the caller's. Import the modules; this one imports nothing, since every `import worker.operations.x` runs it.
"""
