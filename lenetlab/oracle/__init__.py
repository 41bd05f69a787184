"""What a method may ask about the objective, and what every answer costs."""
