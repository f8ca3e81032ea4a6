"""Training: configuration, loop, schedules, metrics, checkpoints."""
