"""The starter script: its recipe here, and the script itself run beside it."""
