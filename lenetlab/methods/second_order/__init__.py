"""Methods that use or estimate curvature."""
