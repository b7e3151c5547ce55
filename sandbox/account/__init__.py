"""One trader's orders, fills, settlements and transfers, and the books that add them up."""
