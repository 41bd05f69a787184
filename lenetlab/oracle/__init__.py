"""What a method may ask about the objective, and the bill for every answer."""
