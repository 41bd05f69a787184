"""Somebody's own copy of the starter script: read, run as it is, listened to, described."""
