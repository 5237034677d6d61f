"""What must hold of the source itself: rooms, sizes, names, documents."""
