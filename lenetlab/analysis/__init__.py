"""From results to tables: pure functions over recorded runs, without torch."""
