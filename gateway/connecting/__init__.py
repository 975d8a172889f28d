"""What `gateway validate --connect` looks at beside the files: the real database and the providers' APIs.

Nothing outside is ever changed, and nothing waits longer than a few seconds.
"""
