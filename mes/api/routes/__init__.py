"""The addresses of the API, one module per noun. Each says who may, hands to one action, and shows the result."""
