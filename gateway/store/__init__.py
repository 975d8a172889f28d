"""The store: the only package that knows SQL. Each function is one statement or one transaction, and says which."""
