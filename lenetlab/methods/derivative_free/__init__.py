"""Methods that ask for values alone, and distributed ones."""
