"""`gateway test`: runs cases through the code that serves, on databases of their own, and compares."""
