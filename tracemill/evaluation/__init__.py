"""What does a closed trace amount to, and what is written down about it? Many traces at once."""
