"""What every page of the exhibit shares: the room, the visitor, prints with labels, tables."""
