"""The commands of ``youju``, one module a topic; each is imported when it is called."""
