"""Methods with a rate of its own for every weight."""
