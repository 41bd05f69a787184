"""What several commands share: options, planned runs, an open study, a challenge's folder."""
