"""What is written down and read again, without torch: run folders, rows, recipes in words."""
