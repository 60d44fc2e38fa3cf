"""Backups: a dump of one moment with its anchors and checksums, verified by reading it back; and the way back."""
