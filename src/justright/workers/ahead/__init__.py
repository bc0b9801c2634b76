"""What workers on accelerators do before they are asked, so that no device waits."""
