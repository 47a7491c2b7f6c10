"""What all runs share: the lock, the survey, the record, the final transaction, quality."""
