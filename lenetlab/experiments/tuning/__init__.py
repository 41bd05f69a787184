"""What a search varies, the recipes it tries, and those it found best."""
