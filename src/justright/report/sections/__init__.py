"""The sections of a report, a file each: what they show, as cells that every medium renders."""
