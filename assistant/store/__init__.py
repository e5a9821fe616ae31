"""Store: users, conversations, documents and feedback in one database."""
