"""The page Tune, behind ``finetune.page``."""
