"""What a command does, with its request and its result."""
