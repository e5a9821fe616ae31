"""Evidence: citations, verdicts, and the decision to answer or to decline."""
