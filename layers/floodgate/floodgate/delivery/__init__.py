"""What becomes of a queued update: tried, put back, deleted or given up."""
