"""Small stand-ins for the labs' data sets, drawn by code, in the real sets' on-disk formats."""
