"""Many runs from one file: planned, handed to workers, stored, published."""
