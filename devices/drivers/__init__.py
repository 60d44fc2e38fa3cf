"""Drivers: how machines of one protocol are read. They know neither Django nor the database."""
