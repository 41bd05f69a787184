"""One recipe and one seed, trained: in memory or with a folder on disk."""
