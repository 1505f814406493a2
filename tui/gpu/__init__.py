"""GPU samples and where a card's memory went."""
