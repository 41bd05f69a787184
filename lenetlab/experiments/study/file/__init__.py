"""The parts of a study file, read one by one; `study_file` makes a study of them."""
