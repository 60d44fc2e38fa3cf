"""How the plant's rows look from outside: one module per noun. Nothing here changes anything."""
