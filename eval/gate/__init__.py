"""The gate: an adapter goes live only if it is proved better than what is live, and no less grounded."""
