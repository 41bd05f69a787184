"""How far to go: line searches, trust region, step rules."""
