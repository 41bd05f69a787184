"""Everything that decides a training except the seed."""
