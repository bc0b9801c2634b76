"""Tables in databases: SQLite files, and servers by address."""
