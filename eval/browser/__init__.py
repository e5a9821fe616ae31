"""The page Evaluate, behind ``eval.page``."""
