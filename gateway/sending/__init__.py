"""What leaves the gateway: couriers for the outbox, awaited calls, and the ways they go."""
