"""Who may be spoken to, and how often: limits shared by every worker."""
