"""Tools: chat, grounded answers, summaries, sentiment."""
