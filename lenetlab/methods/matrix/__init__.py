"""Methods that move a layer as a matrix."""
