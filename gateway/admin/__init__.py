"""The operator's side: events, rows and rules to look at and to act on, over HTTP and for the command line."""
