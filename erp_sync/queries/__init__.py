"""What this app reads: an order as a fact for an ERP (`completion`), and the state of connections (`monitor`)."""
