"""Somebody's own copy of the handed-out script: read, run as it is, listened to, described."""
