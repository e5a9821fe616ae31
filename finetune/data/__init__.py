"""Files of examples, of many shapes, to one shape; what cannot be read is named by file, row and field."""
