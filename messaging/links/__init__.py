"""Tracked links: what is sent, where it leads, and who followed it."""
