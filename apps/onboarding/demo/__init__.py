"""The demo: six sites with people, orders and money, made through the same services as real use (docs: running)."""
