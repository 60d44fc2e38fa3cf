"""Runs a whole instance from one data folder: servers, web, stream, workers. Imports nothing but `mes.embedded`."""
