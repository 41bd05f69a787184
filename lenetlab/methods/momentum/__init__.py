"""Methods that remember their direction."""
