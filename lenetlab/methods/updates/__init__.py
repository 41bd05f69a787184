"""Updates: the method's step is corrected after it was made."""
