"""From a socket to the inbox: limits, verification, the envelope, a durable acknowledgement."""
