"""What the product promises, on real servers."""
