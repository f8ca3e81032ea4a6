"""Action items: written, identified, closed, proposed and planned."""
