"""What a line is about to do: memory, time and room, by arithmetic and by a short probe."""
